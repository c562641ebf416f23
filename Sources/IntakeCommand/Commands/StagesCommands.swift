import IntakeCore

/// `docintake stages`: what a plan can name.
enum StagesCommands {
  static let list = CommandSpec(
    path: ["stages", "list"], summary: "list the stages that a plan can name",
    options: [RunOptions.json, OptionSpec("markdown", help: "print as the table of the README")],
    examples: ["docintake stages list --json | jq -r '.[].name'"]
  ) { arguments, invocation in
    let entries = invocation.registry.entries
    if arguments.has("json") {
      invocation.results.writeLine(entries.map { JSONOutput(fields: $0.facts) }.json.text)
      return .success
    }
    let width = entries.map(\.descriptor.name.count).max() ?? 0
    for entry in entries {
      let (name, summary) = (entry.descriptor.name, entry.descriptor.summary)
      invocation.results.writeLine(
        arguments.has("markdown")
          ? "| `\(name)` | \(entry.shapeText) | \(summary) |"
          : "\(name.padded(to: width))  \(entry.shapeText.padded(to: 32))  \(summary)")
    }
    return .success
  }

  static let show = CommandSpec(
    path: ["stages", "show"], summary: "show a stage's options with types, defaults and ranges",
    arguments: "NAME", argumentCount: 1...1, completion: .stages,
    options: [OptionSpec("json", help: "print as JSON Schema of an entry in a plan")],
    examples: ["docintake stages show shrink"]
  ) { arguments, invocation in
    let name = arguments.positionals[0]
    guard let entry = invocation.registry[name] else {
      throw CommandError(
        .usage, "there is no stage " + name.quoted(known: invocation.registry.names),
        hint: "see docintake stages list")
    }
    invocation.results.writeLine(arguments.has("json") ? entry.schema.text : text(entry))
    return .success
  }

  private static func text(_ entry: StageEntry) -> String {
    var lines = [
      "\(entry.descriptor.name): \(entry.descriptor.summary)",
      "takes and returns: \(entry.shapeText)",
      "in a plan: \(entry.descriptor.example)", "",
    ]
    if entry.descriptor.options.isEmpty { lines.append("no options") }
    for option in entry.descriptor.options {
      let fallback = option.defaultValue.map { ", default \($0)" } ?? ""
      lines += ["  \(option.name)  (\(option.valueText)\(fallback))", "      \(option.help)"]
    }
    return lines.joined(separator: "\n")
  }
}

extension StageEntry {
  /// What it takes and returns; a family has several shapes.
  fileprivate var shapeText: String { shapes.map(\.description).joined(separator: ", ") }

  fileprivate var facts: JSONFields {
    [
      ("name", descriptor.name), ("summary", descriptor.summary), ("role", role.orNull),
      ("input", "\(shape.input)"), ("output", "\(shape.output)"),
      ("options", descriptor.options.map { JSONOutput(fields: $0.facts) }),
      ("example", descriptor.example),
    ]
  }

  /// The entry of a stage in a plan as JSON Schema (draft 2020-12), for editors and for checks before a run.
  ///
  /// The stage's own description is beside the keywords; a validator ignores those fields. The name isn't required,
  /// so that the options alone are valid as well.
  fileprivate var schema: JSONOutput {
    let name: JSONFields = [("const", descriptor.name), ("description", "the stage's name")]
    let options: JSONFields = descriptor.options.map { ($0.name, $0.schema) }
    let keywords: JSONFields = [
      ("$schema", "https://json-schema.org/draft/2020-12/schema"), ("title", descriptor.name),
      ("description", descriptor.summary), ("type", "object"),
      ("properties", JSONOutput(fields: [("stage", JSONOutput(fields: name))] + options)),
      ("additionalProperties", false),
    ]
    return JSONOutput(fields: keywords + facts)
  }
}

extension OptionDescriptor {
  /// `whole number, 1 to 100 pixels`.
  fileprivate var valueText: String { kind.summary + (unit.map { " \($0)" } ?? "") }

  fileprivate var facts: JSONFields {
    [("name", name), ("help", help)] + kind.schema
      + [("default", defaultValue?.json), ("unit", unit)]
  }

  fileprivate var schema: JSONOutput {
    let description = help + (unit.map { " (\($0))" } ?? "")
    return JSONOutput(
      fields: kind.schema + [("default", defaultValue?.json), ("description", description)])
  }
}

extension OptionKind {
  /// The keywords for its values.
  fileprivate var schema: JSONFields {
    switch self {
    case .integer(let range):
      return [
        ("type", "integer"), ("minimum", range.lowerBound), ("maximum", range.upperBound),
      ]
    case .number(let range):
      return [("type", "number"), ("minimum", range.lowerBound), ("maximum", range.upperBound)]
    case .choice(let words): return [("type", "string"), ("enum", words)]
    case .text: return [("type", "string")]
    case .flag: return [("type", "boolean")]
    case .list: return [("type", "array"), ("items", OptionKind.scalar)]
    case .table: return [("type", "object"), ("additionalProperties", OptionKind.scalar)]
    }
  }

  /// Numbers and flags count as their texts.
  private static var scalar: JSONOutput {
    JSONOutput(fields: [("type", ["string", "number", "boolean"])])
  }
}

// The reference page of the documentation, made from the declarations.
extension StagesCommands {
  static let reference = CommandSpec(
    path: ["stages", "reference"],
    summary: "print the reference of all stages, options and failure codes as Markdown"
  ) { _, invocation in
    invocation.results.writeText(page(invocation.registry))
    return .success
  }

  private static func page(_ registry: StageRegistry) -> String {
    let stages = registry.entries.map(section)
    return """
      # Stages, options and codes

      Made by `docintake stages reference`; a test holds this page to the code.

      ## Stages

      \(stages.joined(separator: "\n"))
      ## Failure codes

      What `code` says in results, and the next step that `hint` gives unless the place knows a better one.

      | code | next step |
      |---|---|
      \(FailureCode.all.map { "| `\($0.rawValue)` | \($0.hint.replacing("|", with: "\\|")) |" }.joined(separator: "\n"))

      """
  }

  private static func section(_ entry: StageEntry) -> String {
    let head = """
      ### \(entry.descriptor.name)

      \(entry.descriptor.summary). \(entry.shapeText)

      `\(entry.descriptor.example)`

      """
    guard !entry.descriptor.options.isEmpty else { return head }
    let rows = entry.descriptor.options.map { option in
      let takes = option.valueText.replacing("|", with: "\\|")
      let value = option.defaultValue.map { "`\($0)`" } ?? ""
      return "| `\(option.name)` | \(takes) | \(value) | \(option.help) |"
    }
    return head + "\n| option | takes | default | |\n|---|---|---|---|\n"
      + rows.joined(separator: "\n") + "\n"
  }
}
