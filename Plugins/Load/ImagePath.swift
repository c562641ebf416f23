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
  /// Whether the file may have several pages, each of which may be another scan.
  private var isDocument: Bool {
    [".pdf", ".tif", ".tiff"].contains(where: relative.lowercased().hasSuffix)
  }

  /// Understands backslashes, `file:///`, absolute paths that lead below the root, and `#page=2` at the end.
  init(text: String, side: Side, root: ImageRoot) {
    self.text = text
    self.side = side
    self.root = root
    let (path, page) = ImagePath.split(text, in: root)
    self.page = page
    (relative, reasonOutside) = ImagePath.place(of: path, in: root)
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

  /// Whether two paths lead to one page of one file, in whatever spelling.
  func isSame(as other: ImagePath) -> Bool {
    guard (page ?? usualPage) == (other.page ?? other.usualPage) else { return false }
    if relative == other.relative { return true }
    // The names of most pairs differ near their ends; only the others are taken apart and looked up.
    let ends = zip(relative.utf8.reversed(), other.relative.utf8.reversed())
    return ends.prefix(6).allSatisfy {
      $0.asciiLowercased == $1.asciiLowercased || ($0 | $1) >= 0x80
    }
      && ImageRoot.plain(relative.lowercased()) == ImageRoot.plain(other.relative.lowercased())
      && root.stamp(of: relative) == root.stamp(of: other.relative)
  }

  /// Takes the second page where both columns name one document without saying which page: front, then back.
  mutating func takeSecondPage(of other: ImagePath) {
    guard isSame(as: other), page == nil, other.page == nil, isDocument else { return }
    usualPage = 2
  }

  /// What shows from the text alone to lead out of the root; links are checked by the kernel when the file is opened.
  var problem: StageFailure? {
    reasonOutside.map { reason in
      let isBelowNothing = text.hasPrefix("/") || text.lowercased().hasPrefix("file:")
      return failure(
        .pathOutsideRoot, " " + reason,
        hint: isBelowNothing
          ? "give --images-root the folder that holds the scans, or write the path relative to it"
          : nil)
    }
  }

  /// Where a path leads beneath the root, or why it leads elsewhere.
  private static func place(of given: String, in root: ImageRoot) -> (String, outside: String?) {
    var text = given
    if text.hasPrefix("f") || text.hasPrefix("F"), text.prefix(7).lowercased() == "file://" {
      let path = text.dropFirst(7)
      let local = path.lowercased().hasPrefix("localhost/") ? path.dropFirst(9) : path
      guard local.hasPrefix("/") else { return (given, "is an address, not a path") }
      text = PercentText.decoded(local)
    }
    let bytes = Array(text.utf8)
    if bytes.first == UInt8(ascii: "/") {
      guard let path = root.relative(text) else {
        return (given, "is an absolute path that doesn't lead below the images root")
      }
      text = path
    } else if bytes.first == UInt8(ascii: "~") {
      return (given, "starts with ~, which no shell expands here")
    } else if isAddress(bytes) {
      return (given, "is an address, not a path")
    } else if isWindowsPath(bytes) {
      return (given, "is a Windows path")
    } else if bytes.contains(0x5C), root.folder.stamp(of: text) == nil {
      // A file may have a backslash in its name: few have, and only they are looked for under it.
      text = String(decoding: bytes.map { $0 == 0x5C ? 0x2F : $0 }, as: UTF8.self)
    }
    return climbsOut(text) ? (given, "leads out of the images root with ..") : (text, nil)
  }

  /// `C:\…`, `C:/…` or `\\host…`.
  private static func isWindowsPath(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: "\\\\".utf8)
      || bytes.count > 2 && bytes[0].isASCIILetter && bytes[1] == UInt8(ascii: ":")
        && (bytes[2] == 0x5C || bytes[2] == 0x2F)
  }

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
    var depth = 0
    for name in bytes.split(separator: UInt8(ascii: "/")) where !name.elementsEqual(".".utf8) {
      depth += name.elementsEqual("..".utf8) ? -1 : 1
      if depth < 0 { return true }
    }
    return false
  }

  /// Notes that the row at a line names this scan.
  func noteUse(line: Int) {
    guard !root.use(relative, page: { isDocument ? page ?? usualPage : nil }) else { return }
    root.notes.count(.sharedScan, line: line, ColumnName(side.column))
  }

  /// The scan, read beneath the root when somebody asks for its bytes.
  func file(line: Int) -> ImageFile {
    let (root, relative) = (root, relative)
    let suffix = page.map { "#page=\($0)" } ?? ""
    return ImageFile(
      side: side, path: text, page: page ?? usualPage,
      stamp: { root.stamp(of: relative) },
      located: { root.located(relative) + suffix }
    ) { limit in try read(atMost: limit, line: line) }
  }

  private func read(atMost limit: Int, line: Int) throws(StageFailure) -> [UInt8] {
    let bytes: [UInt8]
    do throws(FileFailure) {
      bytes = try root.read(relative, atMost: limit) {
        root.notes.count(.path, line: line, ColumnName(side.column))
      }
    } catch {
      throw failure(reading: error)
    }
    guard !bytes.isEmpty else { throw failure(.notAnImage, ": the file is empty (0 bytes)") }
    return bytes
  }

  private func failure(reading cause: FileFailure) -> StageFailure {
    switch cause {
    // File names stay out of details and hints: they may be people's names, and details go into logs.
    case .notFound where root.folder.isLink(relative):
      failure(.fileNotFound, ": it is a link to a file that isn't there", hint: ImagePath.linkHint)
    case .linksInCircle:
      failure(
        .pathOutsideRoot, ": a link on the path leads back to itself", hint: ImagePath.linkHint)
    case .notFound:
      failure(
        .fileNotFound, ": there is no such file", hint: root.hint,
        similar: root.similar(to: relative))
    case .outsideFolder:
      failure(.pathOutsideRoot, ": the path or a link on it leads out of the images root")
    case .notRegular(let kind): failure(.notRegularFile, ": it is \(kind)")
    case .tooLarge(let bytes, let limit):
      failure(.fileTooLarge, ": the file has \(bytes) bytes, \(limit) are allowed")
    case .changedWhileReading:
      failure(
        .fileUnreadable, ": the file changed while it was read",
        hint: "wait until the scan is complete and run again")
    case .unreadable(let reason), .damaged(let reason): failure(.fileUnreadable, ": " + reason)
    case .outOfResources(let reason):
      failure(
        .fileUnreadable, ": " + reason,
        hint: "lower --concurrency, or raise the limit on open files (`ulimit -n`), and run again",
        outcome: .retryable(after: nil))
    }
  }

  private static let linkHint = "name the scan itself, or put the link right"

  private func failure(
    _ code: FailureCode, _ detail: String, hint: String? = nil, outcome: OutcomeClass = .rejected,
    similar: String? = nil
  ) -> StageFailure {
    .scan(side, code, detail, hint: hint, outcome: outcome, file: text, similar: similar)
  }
}

extension StageFailure {
  /// A failure of one side's scan; `detail` follows the name of the side.
  static func scan(
    _ side: Side, _ code: FailureCode, _ detail: String, hint: String? = nil,
    outcome: OutcomeClass = .rejected, file: String, similar: String? = nil
  ) -> StageFailure {
    StageFailure(
      code, side.rawValue + detail, hint: hint, outcome: outcome,
      column: ColumnName(side.column), side: side, file: file, similar: similar)
  }
}

extension Side {
  /// The column that names its scan.
  var column: Column { self == .front ? .front : .back }
}

/// The folder that scans are read from, and what was looked up in it.
final class ImageRoot: Sendable {
  let folder: Folder
  let notes: ManifestNotes
  /// What to do where a scan isn't there: which folder paths are relative to, and how to name another.
  let hint: String?
  /// The folder's absolute paths: as it was given, and without links.
  private let paths: [String]
  private let listings = Mutex<[String: FolderNames]>([:])
  /// The scans that rows name, where somebody wants to know which files no row does.
  private let used: Mutex<UsedNames>?
  /// A batch has two folders and as many names as scans; 100,000 names take some 12 MB.
  private static let mostListings = 16
  /// In larger folders a name that isn't there is not looked for in other letters.
  private static let mostSpelled = 100_000

  init(_ path: String, notes: ManifestNotes, notesUse: Bool = false, hint: String? = nil)
    throws(FileFailure)
  {
    used = notesUse ? Mutex(UsedNames()) : nil
    folder = try Folder(path)
    paths = Folder.absolutePaths(of: path)
    self.notes = notes
    self.hint = hint
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

  /// Reads a file; `noting` is called where only the letters of its name are others (case or Unicode form).
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

  func stamp(of path: String) -> FileStamp? {
    folder.stamp(of: path) ?? other(path).flatMap(folder.stamp)
  }

  /// The one existing path that differs in case or Unicode form only; nil where there is none, or more than one.
  private func other(_ path: String) -> String? {
    var found = ""
    for part in path.split(separator: "/").map(String.init) {
      guard part != ".", part != ".." else {
        found += part + "/"
        continue
      }
      let names = names(in: found, atMost: ImageRoot.mostSpelled + 1)
      guard names.count <= ImageRoot.mostSpelled, let name = names.name(like: part) else {
        return nil
      }
      found += name + "/"
    }
    return found.isEmpty ? nil : String(found.dropLast())
  }

  /// The names in a folder, which ends with `/` unless it is the root; listed once for all rows.
  func names(in folder: String, atMost limit: Int = FolderNames.most) -> FolderNames {
    listings.withLock { listings in
      let key = "\(limit)/\(folder)"
      if let known = listings[key] { return known }
      if listings.count >= ImageRoot.mostListings { listings.removeAll() }
      let names = FolderNames(list(folder, atMost: limit))
      listings[key] = names
      return names
    }
  }

  private func list(_ folder: String, atMost limit: Int) -> [String] {
    self.folder.names(in: folder.isEmpty ? "." : folder, atMost: limit)
  }

  /// Notes that a row names a scan; false where an earlier row has named it, as far as that is known.
  func use(_ path: String, page: () -> Int?) -> Bool {
    used?.withLock { $0.add(ImageRoot.plain(located(path)), page: page()) } ?? true
  }

  /// The path as a listing of its folder gives it: `./a//b.jpg` is `a/b.jpg`.
  fileprivate static func plain(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return parts.joined(separator: "/")
  }

  /// The scans beside used ones that no row names.
  var unused: [String] {
    guard let used = used?.withLock(\.self) else { return [] }
    return used.folders.sorted().flatMap { folder in
      list(folder, atMost: UsedNames.mostCompared).map { folder + $0 }
        .filter { !used.contains($0) && ImageRoot.looksLikeScan($0) }.sorted()
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

  /// A path that may be meant: with another extension, or spelt a little differently; never one with other numbers, which
  /// is the scan of somebody else.
  func similar(to path: String) -> String? {
    let start = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let name = String(path.dropFirst(start.count))
    let numbers = ImageRoot.numbers(in: name)
    // Comparing letter by letter takes a microsecond a name.
    let names = list(start, atMost: 10_000)
      .filter { ![".", "..", name].contains($0) && ImageRoot.numbers(in: $0) == numbers }.sorted()
    let stem = NearestName.of(ImageRoot.stem(name), among: names.map(ImageRoot.stem))
    let similar =
      names.first { $0.lowercased() == name.lowercased() }
      ?? names.first { ImageRoot.stem($0) == stem }
    return similar.map { start + $0 }
  }

  /// The numbers in the name of a file, which tell whose scan it is; not that of an extension such as `jp2`.
  static func numbers(in name: String) -> [Substring] { stem(name).split { !$0.isNumber } }

  /// A name without its extension, which begins with a letter.
  private static func stem(_ name: String) -> String {
    let dot = name.lastIndex(of: ".").flatMap { dot in
      name[dot...].dropFirst().first?.isLetter == true ? dot : nil
    }
    return String(name[..<(dot ?? name.endIndex)]).lowercased()
  }
}

/// The paths of scans that rows name, by their hashes: 200,000 take 6 MB.
private struct UsedNames: Sendable {
  /// In larger batches files are not compared, and scans only with the first ones.
  private static let most = 200_000
  /// Names of a folder that are compared with them.
  static let mostCompared = 100_000
  private(set) var folders: Set<String> = []
  private var hashes: Set<Int> = []

  /// Takes a file, or a page of a document; false where it is here already.
  mutating func add(_ path: String, page: Int?) -> Bool {
    let scan = (page.map { "\(path)#page=\($0)" } ?? path).hashValue
    guard hashes.count < UsedNames.most else {
      folders.removeAll()
      return !hashes.contains(scan)
    }
    folders.insert(path.lastIndex(of: "/").map { String(path[...$0]) } ?? "")
    if page != nil { hashes.insert(path.hashValue) }
    return hashes.insert(scan).inserted
  }

  func contains(_ path: String) -> Bool { hashes.contains(path.hashValue) }
}
