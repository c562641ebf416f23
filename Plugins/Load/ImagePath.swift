import IntakeCore
import IntakeSystem

/// The path of a scan as a manifest gives it, relative to the images root.
struct ImagePath: Sendable {
  let text: String
  let side: Side

  /// What the text alone shows to lead out of the root; links are the kernel's business when the file is opened.
  var problem: StageFailure? {
    reasonOutside.map {
      StageFailure(
        .pathOutsideRoot, "\(side.rawValue) \($0)", hint: hint,
        column: ColumnName(side == .front ? .front : .back), side: side, file: text)
    }
  }

  /// An absolute path may well lie below the root: it is its form that has to change.
  private var hint: String? {
    guard text.hasPrefix("/") else { return nil }
    return
      "write the path relative to the images root, which is the manifest's folder or --images-root"
  }

  private var reasonOutside: String? {
    let bytes = Array(text.utf8)
    if bytes.first == UInt8(ascii: "/") { return "is an absolute path" }
    if bytes.first == UInt8(ascii: "~") { return "starts with ~, which no shell expands here" }
    if ImagePath.isAddress(bytes) {
      return "is an address, not a path"
    }
    let isDrive = bytes.count > 2 && bytes[1] == UInt8(ascii: ":") && bytes[2] == UInt8(ascii: "\\")
    if isDrive || bytes.starts(with: Array("\\\\".utf8)) { return "is a Windows path" }
    return climbsOut ? "leads out of the images root with .." : nil
  }

  /// `scheme://…` or `file:…`.
  private static func isAddress(_ bytes: [UInt8]) -> Bool {
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return false }
    return bytes[colon...].starts(with: "://".utf8)
      || bytes[..<colon].elementsEqual("file".utf8, by: { $0 | 0x20 == $1 })
  }

  private var climbsOut: Bool {
    var depth = 0
    for name in text.utf8.split(separator: UInt8(ascii: "/")) {
      if name.elementsEqual("..".utf8) {
        depth -= 1
      } else if !name.elementsEqual(".".utf8) {
        depth += 1
      }
      if depth < 0 { return true }
    }
    return false
  }

  /// The scan, read beneath `root` when somebody asks for its bytes.
  func file(in root: Folder) -> ImageFile {
    ImageFile(side: side, path: text, size: { root.size(of: text) }) { limit in
      try read(from: root, atMost: limit)
    }
  }

  private func read(from root: Folder, atMost limit: Int) throws(StageFailure) -> [UInt8] {
    let bytes: [UInt8]
    do throws(FileFailure) {
      bytes = try root.read(text, atMost: limit)
    } catch {
      throw failure(error, root)
    }
    guard !bytes.isEmpty else { throw stageFailure(.notAnImage, "the file is empty (0 bytes)") }
    return bytes
  }

  private func failure(_ failure: FileFailure, _ root: Folder) -> StageFailure {
    switch failure {
    case .notFound: return notFound(root)
    case .outsideFolder:
      return stageFailure(.pathOutsideRoot, "the path or a link on it leads out of the images root")
    case .notRegular(let kind): return stageFailure(.notRegularFile, "it is \(kind)")
    case .tooLarge(let bytes, let limit):
      return stageFailure(.fileTooLarge, "the file has \(bytes) bytes, \(limit) are allowed")
    case .changedWhileReading:
      return stageFailure(
        .fileUnreadable, "the file changed while it was read",
        hint: "wait until the scan is complete and run again")
    case .unreadable(let reason): return stageFailure(.fileUnreadable, reason)
    }
  }

  private func stageFailure(_ code: FailureCode, _ detail: String, hint: String? = nil)
    -> StageFailure
  {
    StageFailure(
      code, "\(side.rawValue): \(detail)", hint: hint,
      column: ColumnName(side == .front ? .front : .back), side: side, file: text)
  }
}
