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
  /// What it takes and returns; a family has several of these.
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
    var fields: [(String, JSONOutput)] = [("name", .string(name)), ("help", .string(help))]
    fields += kind.schema
    if let defaultValue { fields.append(("default", defaultValue.json)) }
    if let unit { fields.append(("unit", .string(unit))) }
    return .object(fields)
  }
}
