import IntakeCore

/// `docintake stages`: what a plan can name.
enum StagesCommands {
  private static let asJSON = OptionSpec("json", help: "print as JSON")

  static let list = CommandSpec(
    path: ["stages", "list"], summary: "list the stages that a plan can name",
    options: [asJSON, OptionSpec("markdown", help: "print as the table of the README")],
    examples: ["docintake stages list --json | jq -r '.[].name'"]
  ) { arguments, invocation in
    let entries = invocation.registry.entries
    if arguments.has("json") {
      invocation.results.writeLine(JSONOutput.array(entries.map(\.json)).text)
    } else if arguments.has("markdown") {
      for entry in entries { invocation.results.writeLine(markdown(entry)) }
    } else {
      let width = entries.map { $0.descriptor.name.count }.max() ?? 0
      for entry in entries {
        invocation.results.writeLine(
          "\(HelpText.pad(entry.descriptor.name, width))  "
            + "\(HelpText.pad(entry.shapeText, 32))  \(entry.descriptor.summary)")
      }
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
      throw UsageError(
        "there is no stage \"\(Sanitizer.clean(name, limit: 60))\""
          + NearestName.suggestion(for: name, among: invocation.registry.names),
        hint: "see docintake stages list")
    }
    if arguments.has("json") {
      invocation.results.writeLine(StageSchema(entry).json.text)
    } else {
      invocation.results.writeText(text(entry))
    }
    return .success
  }

  private static func markdown(_ entry: StageEntry) -> String {
    let cells = ["`\(entry.descriptor.name)`", entry.shapeText, entry.descriptor.summary]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  private static func text(_ entry: StageEntry) -> String {
    var lines = [
      "\(entry.descriptor.name): \(entry.descriptor.summary)",
      "takes and returns: \(entry.shapeText)",
      "in a plan: \(entry.descriptor.example)", "",
    ]
    if entry.descriptor.options.isEmpty { lines.append("no options") }
    for option in entry.descriptor.options {
      let unit = option.unit.map { " \($0)" } ?? ""
      let fallback = option.defaultValue.map { ", default \($0)" } ?? ""
      lines.append("  \(option.name)  (\(option.kind.summary)\(unit)\(fallback))")
      lines.append("      \(option.help)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension StageEntry {
  /// What it takes and returns; a family has several shapes.
  var shapeText: String { shapes.map(\.description).joined(separator: ", ") }

  /// What the stage says about itself, for programs.
  var json: JSONOutput {
    .object([
      ("name", .string(descriptor.name)), ("summary", .string(descriptor.summary)),
      ("role", .optional(role)), ("input", .string("\(shape.input)")),
      ("output", .string("\(shape.output)")),
      ("options", .array(descriptor.options.map(\.json))), ("example", .string(descriptor.example)),
    ])
  }
}

extension OptionDescriptor {
  /// What the option says about itself, for programs.
  var json: JSONOutput {
    .present(
      [("name", .string(name)), ("help", .string(help))] + kind.schema
        + [("default", defaultValue?.json), ("unit", .text(unit))])
  }
}

/// `docintake stages reference`: the reference page of the documentation, made from the declarations.
enum ReferenceCommand {
  static let spec = CommandSpec(
    path: ["stages", "reference"],
    summary: "print the reference of all stages, options and failure codes as Markdown"
  ) { _, invocation in
    invocation.results.writeText(page(invocation.registry))
    return .success
  }

  static func page(_ registry: StageRegistry) -> String {
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
      \(FailureCode.all.map { "| `\($0.rawValue)` | \($0.hint) |" }.joined(separator: "\n"))

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
      let unit = option.unit.map { " \($0)" } ?? ""
      let kind = option.kind.summary.replacing("|", with: "\\|")
      let value = option.defaultValue.map { "`\($0)`" } ?? ""
      return "| `\(option.name)` | \(kind)\(unit) | \(value) | \(option.help) |"
    }
    return head + "\n| option | takes | default | |\n|---|---|---|---|\n"
      + rows.joined(separator: "\n") + "\n"
  }
}

/// The entry of a stage in a plan as JSON Schema (draft 2020-12), for editors and for checks before a run.
///
/// The stage's own description is beside the keywords; a validator ignores those fields.
struct StageSchema {
  private let entry: StageEntry

  init(_ entry: StageEntry) { self.entry = entry }

  var json: JSONOutput {
    guard case .object(let facts) = entry.json else { return entry.json }
    let options = entry.descriptor.options
    return .object(
      [
        ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
        ("title", .string(entry.descriptor.name)),
        ("description", .string(entry.descriptor.summary)), ("type", .string("object")),
        (
          "properties",
          .object([("stage", StageSchema.name(entry))] + options.map { ($0.name, $0.schema) })
        ),
        ("additionalProperties", .bool(false)),
      ] + facts)
  }

  /// Not required, so that the options alone are valid as well.
  private static func name(_ entry: StageEntry) -> JSONOutput {
    .object([
      ("const", .string(entry.descriptor.name)), ("description", .string("the stage's name")),
    ])
  }
}

extension OptionDescriptor {
  /// What values the option takes, as JSON Schema.
  fileprivate var schema: JSONOutput {
    let description = help + (unit.map { " (\($0))" } ?? "")
    return .present(
      kind.schema + [("default", defaultValue?.json), ("description", .string(description))])
  }
}

extension OptionKind {
  /// The keywords for its values.
  var schema: [(String, JSONOutput?)] {
    switch self {
    case .integer(let range):
      return [
        ("type", .string("integer")), ("minimum", .integer(range.lowerBound)),
        ("maximum", .integer(range.upperBound)),
      ]
    case .number(let range):
      return [
        ("type", .string("number")), ("minimum", .decimal(range.lowerBound)),
        ("maximum", .decimal(range.upperBound)),
      ]
    case .choice(let words):
      return [("type", .string("string")), ("enum", .array(words.map { .string($0) }))]
    case .text: return [("type", .string("string"))]
    case .flag: return [("type", .string("boolean"))]
    case .list: return [("type", .string("array")), ("items", OptionKind.scalar)]
    case .table: return [("type", .string("object")), ("additionalProperties", OptionKind.scalar)]
    }
  }

  /// Numbers and flags count as their texts.
  private static let scalar = JSONOutput.object([
    ("type", .array(["string", "number", "boolean"].map { .string($0) }))
  ])
}
