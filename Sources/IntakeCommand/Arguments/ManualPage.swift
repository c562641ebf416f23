import IntakeCore

/// A page of the manual in roff, made from the same declarations and texts as `--help`.
struct ManualPage {
  /// `docintake-ledger-show`.
  let name: String
  /// 1 for commands, 7 for topics.
  let section: Int
  private(set) var source: String

  /// One for the program, then one for each command and each topic of help.
  static func all(_ commands: [CommandSpec], _ registry: StageRegistry) -> [ManualPage] {
    [overview(commands)] + commands.map { page($0, registry) }
      + HelpTopic.allCases.map { page($0, registry) }
  }

  var fileName: String { "\(name).\(section)" }

  private static func overview(_ commands: [CommandSpec]) -> ManualPage {
    var page = ManualPage([], 1, HelpText.summary)
    page.add("SYNOPSIS", "docintake COMMAND …")
    page.add(
      "DESCRIPTION",
      """
      Takes in a batch of customers with scanned IDs from a CSV or JSON manifest, shrinks the images so that each request
      fits the receiving API and stays legible, submits every customer, and writes down what became of each one. The same
      command again goes on where the last one stopped, and nobody is sent twice.

      Results are JSON Lines on standard output; everything else goes to standard error.
      """)
    page.heading("COMMANDS")
    for command in commands { page.tag(reference(command.path), 1, command.summary) }
    page.heading("TOPICS")
    for topic in HelpTopic.allCases { page.tag(reference([topic.rawValue]), 7, topic.summary) }
    page.add("EXIT STATUS", ExitCode.table)
    return page
  }

  private static func page(_ command: CommandSpec, _ registry: StageRegistry) -> ManualPage {
    var page = ManualPage(command.path, 1, command.summary)
    page.add("SYNOPSIS", "docintake \(command.name) \(command.arguments) [OPTIONS]")
    let notes = command.notes.filter { $0 != ExitCode.table }
    if !notes.isEmpty { page.add("DESCRIPTION", notes.joined(separator: "\n\n")) }
    page.heading("OPTIONS")
    for option in command.allOptions {
      page.tag(String(option.usage.drop { $0 == " " }), nil, option.helpText(registry))
    }
    if !command.examples.isEmpty {
      page.add("EXAMPLES", command.examples.map { "  " + $0 }.joined(separator: "\n"))
    }
    if command.notes.count != notes.count { page.add("EXIT STATUS", ExitCode.table) }
    page.seeAlso()
    return page
  }

  private static func page(_ topic: HelpTopic, _ registry: StageRegistry) -> ManualPage {
    var page = ManualPage([topic.rawValue], 7, topic.summary)
    page.add("DESCRIPTION", topic.text(registry))
    page.seeAlso()
    return page
  }

  private static func reference(_ words: [String]) -> String {
    ([ProgramName.current] + words).joined(separator: "-")
  }

  private init(_ words: [String], _ section: Int, _ summary: String) {
    (name, self.section) = (ManualPage.reference(words), section)
    let title = ManualPage.escaped(name.uppercased())
    source = """
      .TH "\(title)" \(section) "" "\(ManualPage.escaped("\(ProgramName.current) \(ProductVersion.number)"))"
      .SH NAME
      \(ManualPage.escaped(name)) \\-

      """
    fill(summary)
  }
}

// The pieces that a page is made of.
extension ManualPage {
  private mutating func heading(_ title: String) { source += ".SH \"\(title)\"\n" }

  /// An item of a list: a term, or the name of another page with its section, and what is said about it.
  private mutating func tag(_ term: String, _ section: Int?, _ text: String) {
    let bold = "\\fB\(ManualPage.escaped(term))\\fR" + (section.map { "(\($0))" } ?? "")
    source += ".TP\n\(bold)\n"
    fill(text)
  }

  /// Text that the formatter fills; the source has short lines because `mandoc -T lint` wants them.
  private mutating func fill(_ text: some StringProtocol) {
    for line in String(text).wrapped(to: 72) { source += ManualPage.escaped(line) + "\n" }
  }

  private mutating func seeAlso() {
    heading("SEE ALSO")
    source += "\\fB\(ManualPage.escaped(ProgramName.current))\\fR(1)\n"
  }

  /// A section with a help text: indented lines of two columns become a list, other indented lines stay as they are,
  /// and lines at the margin are filled.
  private mutating func add(_ title: String, _ text: String) {
    heading(title)
    var (isLiteral, isListed, startsParagraph) = (false, false, false)
    for line in ProgramName.applied(to: text).split(
      separator: "\n", omittingEmptySubsequences: false)
    {
      let words = line.drop { $0 == " " }
      let indent = line.count - words.count
      let gap = indent > 0 ? words.firstRange(of: "  ") : nil
      let isContinued = isListed && indent > 8 && gap == nil
      let staysAsItIs = indent > 0 && gap == nil && !isContinued
      if isLiteral, !staysAsItIs { source += ".fi\n" }
      if !words.isEmpty, gap == nil, startsParagraph || isLiteral != staysAsItIs, !isContinued,
        !source.hasSuffix(".SH \"\(title)\"\n")
      {
        source += ".PP\n"
      }
      if staysAsItIs, !isLiteral { source += ".nf\n" }
      if let gap {
        tag(
          String(words[..<gap.lowerBound]), nil,
          String(words[gap.upperBound...].drop { $0 == " " }))
      } else if staysAsItIs {
        source += ManualPage.escaped(line) + "\n"
      } else {
        fill(words)
      }
      isLiteral = staysAsItIs
      isListed = gap != nil || isContinued
      // What follows a list doesn't belong to its last item.
      startsParagraph = words.isEmpty || isListed
    }
    if isLiteral { source += ".fi\n" }
  }

  /// The text as roff prints it; ASCII alone, because not every formatter guesses an encoding.
  private static func escaped(_ text: some StringProtocol) -> String {
    let written = text.unicodeScalars.map { scalar in
      switch scalar {
      case "\\": "\\e"
      case "-": "\\-"
      case "'": "\\(aq"
      case "`": "\\(ga"
      case "^": "\\(ha"
      case "~": "\\(ti"
      case "\"": "\\(dq"
      default: scalar.isASCII ? String(scalar) : "\\[u\(fourDigits(scalar.value))]"
      }
    }.joined()
    // A full stop at the beginning of a line would be a request.
    return written.hasPrefix(".") ? "\\&" + written : written
  }

  private static func fourDigits(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
