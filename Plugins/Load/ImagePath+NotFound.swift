import IntakeCore
import IntakeSystem

extension ImagePath {
  /// A folder with more names than this is not looked through for a similar one.
  private static let mostNames = 10_000

  /// Says what is missing, and whether something similar is there.
  ///
  /// Names of files are not in it: they may be those of people, and a detail goes into logs.
  func notFound(_ root: Folder) -> StageFailure {
    StageFailure(
      .fileNotFound, "\(side.rawValue): there is no such file", hint: hint(root),
      column: ColumnName(side == .front ? .front : .back), side: side, file: text)
  }

  private func hint(_ root: Folder) -> String? {
    if text.utf8.contains(UInt8(ascii: "\\")) { return "write the path with / instead of \\" }
    let (folder, name) = split
    let names = root.names(in: folder, atMost: ImagePath.mostNames)
    guard !names.isEmpty else { return nil }
    if names.contains(where: { $0.lowercased() == name.lowercased() }) {
      return "a file whose name differs only in upper and lower case is there: correct the path"
    }
    if names.contains(where: { ImagePath.stem($0) == ImagePath.stem(name) }) {
      return "a file of that name with another extension is there: correct the path"
    }
    return NearestName.of(name, among: names) == nil
      ? nil : "a file with a similar name is there: check the spelling of the path"
  }

  /// The folder that the file should be in, and the file's own name.
  private var split: (folder: String, name: String) {
    guard let slash = text.lastIndex(of: "/") else { return (".", text) }
    return (String(text[..<slash]), String(text[text.index(after: slash)...]))
  }

  private static func stem(_ name: String) -> Substring {
    name.lastIndex(of: ".").map { name[..<$0] } ?? name[...]
  }
}
