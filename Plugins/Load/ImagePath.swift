import IntakeCore
import IntakeSystem
import Synchronization

/// The path of a scan as a manifest gives it, and as it is understood beneath the images root.
struct ImagePath: Sendable {
  let text: String
  let side: Side
  private let root: ImageRoot
  /// Beneath the root, with `/`; the text itself where it leads out.
  private let relative: String
  private let reasonOutside: String?
  /// The page that the text names.
  private let page: Int?
  /// The page that is meant where the text names none.
  private var usualPage = 1

  /// Understands backslashes, `file:///`, absolute paths that lead below the root, and `#page=2` at the end.
  init(text: String, side: Side, root: ImageRoot) {
    self.text = text
    self.side = side
    self.root = root
    var path = text
    (path, page) = ImagePath.split(text, in: root)
    switch ImagePath.place(of: path, in: root) {
    case .beneath(let path): (relative, reasonOutside) = (path, nil)
    case .outside(let reason): (relative, reasonOutside) = (path, reason)
    }
  }

  /// Takes the page off the path (RFC 8118, section 3), unless a file has such a name.
  private static func split(_ text: String, in root: ImageRoot) -> (path: String, page: Int?) {
    // Few paths have the sign; looking for the words in each took a tenth of a row that is skipped.
    guard text.utf8.contains(UInt8(ascii: "#")), let mark = text.firstRange(of: "#page="),
      let page = Int(text[mark.upperBound...]), 1...9_999 ~= page,
      root.folder.stamp(of: text) == nil
    else { return (text, nil) }
    return (String(text[..<mark.lowerBound]), page)
  }

  /// Whether two paths lead to one page of one file.
  func isSame(as other: ImagePath) -> Bool {
    relative == other.relative && (page ?? usualPage) == (other.page ?? other.usualPage)
  }

  /// Takes the second page where both columns name one document without saying which page: front, then back.
  mutating func takeSecondPage(of other: ImagePath) {
    guard isSame(as: other), page == nil, other.page == nil,
      [".pdf", ".tif", ".tiff"].contains(where: relative.lowercased().hasSuffix)
    else { return }
    usualPage = 2
  }

  /// What shows from the text alone to lead out of the root; links are checked by the kernel when the file is opened.
  var problem: StageFailure? {
    reasonOutside.map { reason in
      let isBelowNothing = text.hasPrefix("/") || text.lowercased().hasPrefix("file:")
      return failure(
        .pathOutsideRoot, "\(side.rawValue) \(reason)",
        hint: isBelowNothing
          ? "give --images-root the folder that holds the scans, or write the path relative to it"
          : nil)
    }
  }

  private enum Place {
    case beneath(String)
    case outside(String)
  }

  private static func place(of text: String, in root: ImageRoot) -> Place {
    var text = text
    if text.hasPrefix("f") || text.hasPrefix("F"), text.prefix(7).lowercased() == "file://" {
      let path = text.dropFirst(7)
      let local = path.lowercased().hasPrefix("localhost/") ? path.dropFirst(9) : path
      guard local.hasPrefix("/") else { return .outside("is an address, not a path") }
      text = PercentText.decoded(local)
    }
    let bytes = Array(text.utf8)
    if bytes.first == UInt8(ascii: "/") {
      guard let path = root.relative(text) else {
        return .outside("is an absolute path that doesn't lead below the images root")
      }
      return climbsOut(path) ? .outside(climbing) : .beneath(path)
    }
    if bytes.first == UInt8(ascii: "~") {
      return .outside("starts with ~, which no shell expands here")
    }
    if isAddress(bytes) { return .outside("is an address, not a path") }
    let isDrive = bytes.dropFirst().first == UInt8(ascii: ":") && bytes.count > 2
    if isDrive && bytes[0].isASCIILetter && (bytes[2] == 0x5C || bytes[2] == 0x2F)
      || bytes.starts(with: "\\\\".utf8)
    {
      return .outside("is a Windows path")
    }
    // A file may have a backslash in its name: few have, and only they are looked for under it.
    if bytes.contains(0x5C), root.folder.stamp(of: text) == nil {
      text = String(decoding: bytes.map { $0 == 0x5C ? 0x2F : $0 }, as: UTF8.self)
    }
    return climbsOut(text) ? .outside(climbing) : .beneath(text)
  }

  private static let climbing = "leads out of the images root with .."

  /// `scheme://…` or `file:…`.
  private static func isAddress(_ bytes: [UInt8]) -> Bool {
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return false }
    return bytes[colon...].starts(with: "://".utf8)
      || bytes[..<colon].elementsEqual("file".utf8, by: { $0 | 0x20 == $1 })
  }

  private static func climbsOut(_ path: String) -> Bool {
    let bytes = Array(path.utf8)
    // Few paths hold two dots in a row; a look at each of their parts would take longer.
    guard bytes.indices.dropFirst().contains(where: { bytes[$0] == 0x2E && bytes[$0 - 1] == 0x2E })
    else { return false }
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

  /// Notes that a row names this scan.
  func noteUse() { root.use(relative) }

  /// The scan, read beneath the root when somebody asks for its bytes.
  func file(line: Int) -> ImageFile {
    let (root, relative) = (root, relative)
    let suffix = page.map { "#page=\($0)" } ?? ""
    return ImageFile(
      side: side, path: text, page: page ?? usualPage,
      stamp: { root.folder.stamp(of: relative) ?? root.otherStamp(relative) },
      located: { root.located(relative) + suffix }
    ) { limit in try read(atMost: limit, line: line) }
  }

  private func read(atMost limit: Int, line: Int) throws(StageFailure) -> [UInt8] {
    let bytes: [UInt8]
    do throws(FileFailure) {
      bytes = try root.read(relative, atMost: limit) {
        root.notes.count(.path, line: line, ColumnName(side == .front ? .front : .back))
      }
    } catch {
      throw failure(reading: error)
    }
    guard !bytes.isEmpty else { throw about(.notAnImage, "the file is empty (0 bytes)") }
    return bytes
  }

  private func failure(reading cause: FileFailure) -> StageFailure {
    switch cause {
    // No name of a file is in detail and hint: it may be a person's, and a detail goes into logs.
    case .notFound:
      about(.fileNotFound, "there is no such file", similar: root.similar(to: relative))
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
  private func about(
    _ code: FailureCode, _ detail: String, hint: String? = nil, similar: String? = nil
  ) -> StageFailure {
    failure(code, "\(side.rawValue): \(detail)", hint: hint, similar: similar)
  }

  private func failure(
    _ code: FailureCode, _ detail: String, hint: String?, similar: String? = nil
  ) -> StageFailure {
    StageFailure(
      code, detail, hint: hint, column: ColumnName(side == .front ? .front : .back), side: side,
      file: text, similar: similar)
  }
}

/// The folder that scans are read from, and what was looked up in it.
final class ImageRoot: Sendable {
  let folder: Folder
  let notes: ManifestNotes
  /// The folder's absolute paths: as it was given, and without links.
  private let paths: [String]
  private let indexes = Mutex<[String: NameIndex]>([:])
  private let sorted = Mutex<[String: SortedNames]>([:])
  /// The scans that rows name, where somebody wants to know which files no row does.
  private let used: Mutex<UsedNames>?
  /// 16 folders of 100,000 names each at most take some 200 MB; one batch has two folders and as many names as scans.
  private static let mostIndexes = 16

  init(_ path: String, notes: ManifestNotes, notesUse: Bool = false) throws(FileFailure) {
    used = notesUse ? Mutex(UsedNames()) : nil
    folder = try Folder(path)
    paths = Folder.absolutePaths(of: path)
    self.notes = notes
  }

  /// What is left of an absolute path below the root, nil for one that leads elsewhere.
  func relative(_ absolute: String) -> String? {
    for path in paths {
      let start = path.hasSuffix("/") ? path : path + "/"
      if absolute.utf8.starts(with: start.utf8) {
        return String(decoding: absolute.utf8.dropFirst(start.utf8.count), as: UTF8.self)
      }
    }
    return nil
  }

  /// Reads a file; `noting` is called where it has another name in other letters.
  func read(_ path: String, atMost limit: Int, noting: () -> Void) throws(FileFailure) -> [UInt8] {
    do throws(FileFailure) {
      return try folder.read(path, atMost: limit)
    } catch {
      guard error == .notFound, let other = other(path) else { throw error }
      let bytes = try folder.read(other, atMost: limit)
      noting()
      return bytes
    }
  }

  /// The path of the file that is there: the same, or the one in other letters.
  func located(_ path: String) -> String {
    folder.stamp(of: path) == nil ? other(path) ?? path : path
  }

  func otherStamp(_ path: String) -> FileStamp? { other(path).flatMap(folder.stamp) }

  /// The one existing path that differs in case or Unicode form only; nil where there is none, or more than one.
  private func other(_ path: String) -> String? {
    var found = ""
    for part in path.split(separator: "/").map(String.init) {
      guard part != ".", part != ".." else {
        found += part + "/"
        continue
      }
      guard let name = index(of: found.isEmpty ? "." : found).name(like: part) else { return nil }
      found += name + "/"
    }
    return found.isEmpty ? nil : String(found.dropLast())
  }

  private func index(of folder: String) -> NameIndex {
    indexes.withLock { indexes in
      if let known = indexes[folder] { return known }
      if indexes.count >= ImageRoot.mostIndexes { indexes.removeAll() }
      let index = NameIndex(self.folder.names(in: folder, atMost: NameIndex.mostNames + 1))
      indexes[folder] = index
      return index
    }
  }

  /// The names in a folder, sorted once for all rows.
  func sortedNames(in folder: String) -> SortedNames {
    sorted.withLock { sorted in
      if let known = sorted[folder] { return known }
      if sorted.count >= ImageRoot.mostIndexes { sorted.removeAll() }
      let names = SortedNames(self.folder.names(in: folder, atMost: SortedNames.most))
      sorted[folder] = names
      return names
    }
  }

  /// Notes that a row names a scan.
  func use(_ path: String) {
    used?.withLock { $0.add(located(path)) }
  }

  /// The scans that lie beside used ones, and that no row names.
  var unused: [String] {
    guard let used = used?.withLock(\.self) else { return [] }
    return used.folders.sorted().flatMap { folder in
      self.folder.names(
        in: folder.isEmpty ? "." : String(folder.dropLast()), atMost: NameIndex.mostNames
      )
      .map { folder + $0 }.filter { !used.contains($0) && ImageRoot.looksLikeScan($0) }.sorted()
    }
  }

  /// Whether a name is that of a picture or document, not of what lies beside them: `Thumbs.db`, `._a.jpg`, a manifest.
  private static func looksLikeScan(_ path: String) -> Bool {
    guard let name = path.split(separator: "/").last, !name.hasPrefix("."),
      let dot = name.lastIndex(of: ".")
    else { return false }
    return [
      "jpg", "jpeg", "jpe", "jfif", "png", "heic", "heif", "avif", "pdf", "tif", "tiff", "webp",
      "bmp", "gif",
    ].contains(name[name.index(after: dot)...].lowercased())
  }

  /// A path that may be meant: of another extension, or spelt a little otherwise.
  func similar(to path: String) -> String? {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[..<$0]) }
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    let names = self.folder.names(in: folder ?? ".", atMost: NameIndex.mostCompared)
      .filter { $0 != "." && $0 != ".." }.sorted()
    let stem = ImageRoot.stem(name)
    let similar =
      names.first { $0.lowercased() == name.lowercased() }
      ?? names.first { ImageRoot.stem($0) == stem } ?? NearestName.of(name, among: names)
    return similar.map { (folder.map { $0 + "/" } ?? "") + $0 }
  }

  private static func stem(_ name: String) -> String {
    String(name.lastIndex(of: ".").map { name[..<$0] } ?? name[...]).lowercased()
  }
}

/// The paths of scans that rows name, by their hashes: 200,000 take 6 MB.
private struct UsedNames: Sendable {
  /// Of larger batches the rest is not compared.
  private static let most = 200_000
  private(set) var folders: Set<String> = []
  private var hashes: Set<Int> = []

  mutating func add(_ path: String) {
    guard hashes.count < UsedNames.most else { return folders.removeAll() }
    hashes.insert(path.hashValue)
    folders.insert(path.lastIndex(of: "/").map { String(path[...$0]) } ?? "")
  }

  func contains(_ path: String) -> Bool { hashes.contains(path.hashValue) }
}

/// The names in a folder, to be found whatever their case and Unicode form are.
private struct NameIndex: Sendable {
  /// A folder with more names isn't searched.
  static let mostNames = 100_000
  /// Comparing letter by letter takes a microsecond a name.
  static let mostCompared = 10_000

  /// Strings are equal where they show the same letters, composed or not.
  private var names: [String: [String]] = [:]

  init(_ all: [String]) {
    guard all.count <= NameIndex.mostNames else { return }
    for name in all { names[name.lowercased(), default: []].append(name) }
  }

  /// The name itself, or the only one that is alike.
  func name(like wanted: String) -> String? {
    guard let alike = names[wanted.lowercased()] else { return nil }
    return alike.first { $0.utf8.elementsEqual(wanted.utf8) } ?? (alike.count == 1 ? alike[0] : nil)
  }
}
