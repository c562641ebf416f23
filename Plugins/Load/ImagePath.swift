import IntakeCore
import IntakeSystem

/// The path of a scan as a manifest gives it, relative to the images root.
struct ImagePath: Sendable {
  let text: String
  let side: Side

  /// A folder with more names than this is not searched for a similar one.
  private static let mostNames = 10_000

  /// What shows from the text alone to lead out of the root; links are checked by the kernel when the file is opened.
  var problem: StageFailure? {
    reasonOutside.map { reason in
      // An absolute path may well lie below the root: only its form has to change.
      let hint =
        "write the path relative to the images root, which is the manifest's folder or --images-root"
      return failure(
        .pathOutsideRoot, "\(side.rawValue) \(reason)", hint: text.hasPrefix("/") ? hint : nil)
    }
  }

  private var reasonOutside: String? {
    let bytes = Array(text.utf8)
    if bytes.first == UInt8(ascii: "/") { return "is an absolute path" }
    if bytes.first == UInt8(ascii: "~") { return "starts with ~, which no shell expands here" }
    if ImagePath.isAddress(bytes) { return "is an address, not a path" }
    let isDrive = bytes.dropFirst().starts(with: ":\\".utf8)
    if isDrive || bytes.starts(with: "\\\\".utf8) { return "is a Windows path" }
    return ImagePath.climbsOut(bytes) ? "leads out of the images root with .." : nil
  }

  /// `scheme://…` or `file:…`.
  private static func isAddress(_ bytes: [UInt8]) -> Bool {
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return false }
    return bytes[colon...].starts(with: "://".utf8)
      || bytes[..<colon].elementsEqual("file".utf8, by: { $0 | 0x20 == $1 })
  }

  private static func climbsOut(_ bytes: [UInt8]) -> Bool {
    var (rest, depth) = (bytes[...], 0)
    while depth >= 0, !rest.isEmpty {
      let name = rest.prefix { $0 != UInt8(ascii: "/") }
      if name.elementsEqual("..".utf8) {
        depth -= 1
      } else if !name.isEmpty, !name.elementsEqual(".".utf8) {
        depth += 1
      }
      rest = rest.dropFirst(name.count + 1)
    }
    return depth < 0
  }

  /// The scan, read beneath `root` when somebody asks for its bytes.
  func file(in root: Folder) -> ImageFile {
    ImageFile(side: side, path: text, stamp: { root.stamp(of: text) }) { limit in
      try read(from: root, atMost: limit)
    }
  }

  private func read(from root: Folder, atMost limit: Int) throws(StageFailure) -> [UInt8] {
    let bytes: [UInt8]
    do throws(FileFailure) {
      bytes = try root.read(text, atMost: limit)
    } catch {
      throw failure(reading: root, error)
    }
    guard !bytes.isEmpty else { throw about(.notAnImage, "the file is empty (0 bytes)") }
    return bytes
  }

  private func failure(reading root: Folder, _ cause: FileFailure) -> StageFailure {
    switch cause {
    // No name of a file is in it: it may be a person's, and a detail goes into logs.
    case .notFound: about(.fileNotFound, "there is no such file", hint: similarFile(in: root))
    case .outsideFolder:
      about(.pathOutsideRoot, "the path or a link on it leads out of the images root")
    case .notRegular(let kind): about(.notRegularFile, "it is \(kind)")
    case .tooLarge(let bytes, let limit):
      about(.fileTooLarge, "the file has \(bytes) bytes, \(limit) are allowed")
    case .changedWhileReading:
      about(
        .fileUnreadable, "the file changed while it was read",
        hint: "wait until the scan is complete and run again")
    case .unreadable(let reason): about(.fileUnreadable, reason)
    }
  }

  /// A failure that starts with the side.
  private func about(_ code: FailureCode, _ detail: String, hint: String? = nil) -> StageFailure {
    failure(code, "\(side.rawValue): \(detail)", hint: hint)
  }

  private func failure(_ code: FailureCode, _ detail: String, hint: String?) -> StageFailure {
    StageFailure(
      code, detail, hint: hint, column: ColumnName(side == .front ? .front : .back), side: side,
      file: text)
  }

  /// Whether something similar is there, as a hint.
  private func similarFile(in root: Folder) -> String? {
    if text.utf8.contains(UInt8(ascii: "\\")) { return "write the path with / instead of \\" }
    let slash = text.lastIndex(of: "/")
    let folder = slash.map { String(text[..<$0]) } ?? "."
    let name = slash.map { String(text[text.index(after: $0)...]) } ?? text
    let names = root.names(in: folder, atMost: ImagePath.mostNames)
    if names.contains(where: { $0.lowercased() == name.lowercased() }) {
      return "a file whose name differs only in upper and lower case is there: correct the path"
    }
    if names.contains(where: { ImagePath.stem($0) == ImagePath.stem(name) }) {
      return "a file of that name with another extension is there: correct the path"
    }
    return NearestName.of(name, among: names) == nil
      ? nil : "a file with a similar name is there: check the spelling of the path"
  }

  private static func stem(_ name: String) -> Substring {
    name.lastIndex(of: ".").map { name[..<$0] } ?? name[...]
  }
}
