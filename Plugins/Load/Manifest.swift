import IntakeCore
import IntakeSystem

/// A manifest that has been opened: its bytes, and the folder that its paths are relative to.
struct Manifest: Sendable {
  /// Where the bytes come from.
  let source: Descriptor
  /// The path of the folder that it lies in.
  let folder: String
  /// The path of the file, nil for standard input.
  let path: String?

  /// Opens a file, `-` for standard input, or the one manifest in a folder.
  ///
  /// - Throws: `StageFailure` of class fatal that says what is missing.
  init(_ path: String) throws(StageFailure) {
    if path == "-" {
      source = .standardInput
      folder = "."
      self.path = nil
      return
    }
    let file = try Manifest.open(path)
    guard try Manifest.isFolder(file, path) else {
      source = file
      folder = Manifest.folder(of: path)
      self.path = path
      return
    }
    (source, self.path) = try Manifest.only(in: path)
    folder = path
  }

  private static func open(_ path: String) throws(StageFailure) -> Descriptor {
    do throws(FileFailure) {
      return try Descriptor.open(path)
    } catch {
      throw failure(error, path)
    }
  }

  private static func isFolder(_ file: Descriptor, _ path: String) throws(StageFailure) -> Bool {
    do throws(FileFailure) {
      return try file.status().kind == .folder
    } catch {
      throw failure(error, path)
    }
  }

  private static func failure(_ failure: FileFailure, _ path: String) -> StageFailure {
    let isMissing = failure == .notFound
    return StageFailure(
      isMissing ? .fileNotFound : .fileUnreadable,
      isMissing ? "there is no manifest of that name" : "the manifest: \(failure)",
      hint: isMissing ? "check the path of the manifest" : nil, outcome: .fatal, file: path)
  }

  private static func only(in folder: String) throws(StageFailure) -> (Descriptor, String) {
    let names = ["manifest.csv", "manifest.jsonl"]
    let there = names.map { folder.hasSuffix("/") ? folder + $0 : "\(folder)/\($0)" }
      .compactMap { path in (try? Descriptor.open(path)).map { ($0, path) } }
    guard let first = there.first else {
      throw StageFailure(
        .fileNotFound, "the folder has no manifest.csv and no manifest.jsonl that can be read",
        hint: "put one there, or name the manifest itself", outcome: .fatal, file: folder)
    }
    guard there.count == 1 else {
      throw unusable(
        "the folder has a manifest.csv and a manifest.jsonl", hint: "name the one to read",
        file: folder)
    }
    return first
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
