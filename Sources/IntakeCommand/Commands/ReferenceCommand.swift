import IntakeCore

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
