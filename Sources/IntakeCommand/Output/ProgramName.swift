/// What the program is called by whoever started it: a third party's command is not `docintake`.
enum ProgramName {
  /// The last part of the path it was started by.
  static let current: String = {
    let name = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? ""
    let isPlain = name.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
        || "-_.".utf8.contains($0)
    }
    return isPlain && !name.isEmpty ? name : declared
  }()

  /// The name in all texts of this program.
  private static let declared = "docintake"

  /// A text for people, with that name where this program is meant: `see docintake run --help`.
  static func put(into text: String) -> String {
    guard current != declared else { return text }
    return text.replacing(declared + " ", with: current + " ")
      .replacing(declared + ":", with: current + ":")
  }

  /// A script for a shell, with that name everywhere.
  static func put(intoScript text: String) -> String {
    text.replacing(declared, with: current)
  }
}
