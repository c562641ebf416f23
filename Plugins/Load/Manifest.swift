import IntakeCore
import IntakeSystem

/// A manifest that has been opened: its bytes, and the folder that its paths are relative to.
struct Manifest: Sendable {
  let source: Descriptor
  let folder: String
  /// The path of the file, nil for standard input.
  let path: String?

  /// Opens a file, `-` for standard input, or the one manifest in a folder.
  ///
  /// - Throws: `StageFailure` of class fatal that says what is missing.
  init(_ path: String) throws(StageFailure) {
    guard path != "-" else {
      (source, folder, self.path) = (.standardInput, ".", nil)
      return
    }
    let file: Descriptor
    let isFolder: Bool
    do throws(FileFailure) {
      file = try Descriptor.open(path)
      isFolder = try file.status().kind == .folder
    } catch {
      throw Manifest.failure(error, path)
    }
    if isFolder {
      (source, self.path) = try Manifest.only(in: path)
      folder = path
    } else {
      (source, self.path) = (file, path)
      folder = Manifest.folder(of: path)
    }
  }

  private static func failure(_ failure: FileFailure, _ path: String) -> StageFailure {
    guard failure == .notFound else { return unreadable(failure, file: path) }
    return StageFailure(
      .fileNotFound, "there is no manifest of that name", hint: "check the path of the manifest",
      outcome: .fatal, file: path)
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

/// A failure of the manifest as a whole: the run ends before anything is sent.
func unusable(
  _ detail: String, hint: String? = nil, file: String? = nil, remedy: [String] = []
) -> StageFailure {
  StageFailure(.unusableManifest, detail, hint: hint, outcome: .fatal, file: file, remedy: remedy)
}

/// A manifest that the system cannot read, or not to its end.
func unreadable(_ failure: FileFailure, file: String?) -> StageFailure {
  let isDamaged = if case .damaged = failure { true } else { false }
  return StageFailure(
    .fileUnreadable, "the manifest: \(failure)", hint: isDamaged ? "get the whole file again" : nil,
    outcome: .fatal, file: file)
}

/// The part of the manifest that is in memory: pieces are added at its end, rows are taken from its front.
struct ByteWindow: ~Copyable {
  /// Thrown instead of reading more where `mayRead` is false.
  struct NotInMemory: Error {}

  /// 64 KB: what a pipe holds, and large enough that the system call does not show in the profile.
  private static let pieceSize = 65_536

  /// False for a caller who doesn't want to wait for whoever writes to a pipe.
  var mayRead = true
  private var source: ManifestText
  private(set) var bytes: [UInt8] = []
  /// The place in `bytes` of the first one that has not been taken yet.
  private(set) var start = 0
  /// How many bytes of the manifest came before those in memory.
  private(set) var passed = 0
  /// Whether everything has been read.
  private(set) var isLast = false
  /// The number of the line that `start` is in, from 1.
  private(set) var line = 1
  /// The number of the last line, once it is in memory.
  private var lastLine: Int?
  /// Set after a CR: an LF that follows belongs to it.
  private var owesLineFeed = false

  init(_ source: consuming ManifestText) { self.source = source }

  var count: Int { bytes.count - start }

  /// Reads one more piece; false at the end of the manifest.
  ///
  /// A window that holds the start of a long row doubles, so the row is scanned again only a few times.
  mutating func grow() throws -> Bool {
    guard !isLast else { return false }
    try checkReading()
    let kept = count
    let room = max(ByteWindow.pieceSize, kept)
    let grown = try [UInt8](unsafeUninitializedCapacity: kept + room) { buffer, used in
      let all = UnsafeMutableRawBufferPointer(buffer)
      bytes[start...].withUnsafeBytes { all.copyMemory(from: $0) }
      used = kept
      used += try source.read(into: UnsafeMutableRawBufferPointer(rebasing: all[kept...]))
    }
    passed += start
    start = 0
    bytes = grown
    isLast = grown.count == kept
    if lastLine == nil, source.share == 1 { lastLine = line + lineEnds }
    return !isLast
  }

  /// To be called before work that needs more bytes and could not be started over.
  func checkReading() throws {
    guard mayRead else { throw NotInMemory() }
  }

  /// The byte so many places behind the front, nil behind the end of the manifest.
  mutating func byte(at offset: Int) throws -> UInt8? {
    while start + offset >= bytes.count {
      guard try grow() else { return nil }
    }
    return bytes[start + offset]
  }

  /// Takes everything up to `end`, which is a line end or the end of the manifest, and that line end.
  mutating func takeLine(upTo end: Int, lines: Int = 1) {
    owesLineFeed = end < bytes.count && bytes[end] == 0x0D
    start = min(end + 1, bytes.count)
    line += lines
  }

  /// Takes so many bytes, with the line ends in them.
  mutating func take(_ count: Int) {
    let end = start + count
    for place in start..<end where bytes[place].isLineEnd {
      let isHalf = bytes[place] == 0x0D && place + 1 < bytes.count && bytes[place + 1] == 0x0A
      if !isHalf { line += 1 }
    }
    owesLineFeed = false
    start = end
  }

  /// Lines in memory that end, and the rest behind them.
  private var lineEnds: Int {
    let rest = bytes[start...]
    let feeds = rest.count { $0 == 0x0A }
    let ends = feeds > 0 ? feeds : rest.count { $0 == 0x0D }
    return ends + (rest.last?.isLineEnd ?? true ? 0 : 1) - (owesLineFeed ? 1 : 0)
  }

  /// Lines that have not been taken; nil until the last one is in memory.
  var linesLeft: Int? { lastLine.map { max(0, $0 - line) } }

  /// The part of the file that has been taken, 0 to 1; nil for a pipe.
  ///
  /// Bytes in memory count as the file's in proportion, because packed and converted ones differ in number.
  var share: Double? {
    guard let read = source.share else { return nil }
    let all = passed + bytes.count
    return all > 0 ? read * Double(passed + start) / Double(all) : nil
  }

  /// Makes sure that there is a byte to look at, past the LF of a CRLF; false at the end of the manifest.
  mutating func reachNext() throws -> Bool {
    while let byte = try byte(at: 0) {
      guard owesLineFeed else { return true }
      owesLineFeed = false
      if byte == 0x0A { start += 1 }
    }
    return false
  }

  /// Passes over the rest of the line without keeping it.
  mutating func skipLine() throws {
    while true {
      let end = bytes[start...].firstIndex(where: \.isLineEnd)
      if let end { return takeLine(upTo: end) }
      start = bytes.count
      guard try grow() else { return }
    }
  }

  /// The bytes of the line that starts here, at most `limit`; the same however the bytes come in.
  ///
  /// Reads more only where the window ends before the line does, so the places in a record that was found
  /// whole stay right.
  mutating func lineStart(atMost limit: Int) throws -> [UInt8] {
    var length = 0
    while length < limit, let byte = try byte(at: length), !byte.isLineEnd { length += 1 }
    return Array(bytes[start..<start + length])
  }
}

extension UInt8 {
  var isLineEnd: Bool { self == 0x0A || self == 0x0D }
}

/// What a manifest is, judged by its first bytes; the name of its file is not trusted.
enum ManifestContent: Equatable {
  case csv
  /// Objects, one a line or each over several.
  case json
  /// A list of objects.
  case jsonList
  /// Something else; what it is and what to do.
  case other(String, hint: String)
  case empty

  /// Recognises the start of a manifest after its byte order mark, unless the file itself starts like another kind.
  init(_ bytes: ArraySlice<UInt8>, ofFile start: [UInt8]) {
    if let other = ManifestContent.foreign(start[...]) ?? ManifestContent.foreign(bytes) {
      self = other
      return
    }
    switch bytes.first(where: { !$0.isASCIISpace }) {
    case nil: self = .empty
    case UInt8(ascii: "{"): self = .json
    case UInt8(ascii: "["): self = .jsonList
    default: self = .csv
    }
  }

  private static func foreign(_ bytes: ArraySlice<UInt8>) -> ManifestContent? {
    if let (_, name, hint) = signatures.first(where: { bytes.starts(with: $0.0) }) {
      return .other(name, hint: hint)
    }
    if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) { return archive(bytes) }
    // Text in UTF-32 without a mark has NULs among its first letters.
    if bytes.prefix(4).contains(0) { return .other("text that isn't UTF-8", hint: asUTF8) }
    let text = String(decoding: bytes.prefix(64), as: UTF8.self).lowercased()
    if ["<!doctype", "<html", "<?xml"].contains(where: text.hasPrefix) {
      return .other("a web page or XML file", hint: asUTF8)
    }
    return nil
  }

  private static func archive(_ bytes: ArraySlice<UInt8>) -> ManifestContent {
    // The first entry's name is at byte 30 of a zip archive; every program begins with another one.
    let names = [
      "[Content_Types].xml", "xl/", "_rels/", "docProps/",
      // As much of an OpenDocument's type as the first 64 bytes hold.
      "mimetypeapplication/vnd.oasis",
    ]
    let isWorkbook = names.contains { bytes.dropFirst(30).starts(with: $0.utf8) }
    return isWorkbook
      ? .other("an Excel workbook or another spreadsheet", hint: exported)
      : .other("a zip archive", hint: "unpack it and name the manifest inside")
  }

  private static let exported = "export the sheet as CSV UTF-8 and name that file"
  private static let asUTF8 = "save it as CSV UTF-8"
  private static let isScan = "name the manifest that lists the scans"
  private static let isPacked = "unpack it first: `zcat FILE | zcat | docintake run -`"

  private static let signatures: [([UInt8], String, String)] = [
    ([0xFF, 0xFE, 0x00, 0x00], "text in UTF-32", asUTF8),
    ([0x00, 0x00, 0xFE, 0xFF], "text in UTF-32", asUTF8),
    ([0xD0, 0xCF, 0x11, 0xE0], "an Excel workbook of the old kind", exported),
    (Array("%PDF".utf8), "a PDF file", isScan),
    ([0xFF, 0xD8, 0xFF], "a JPEG image", isScan),
    ([0x89, 0x50, 0x4E, 0x47], "a PNG image", isScan),
    (Array("GIF8".utf8), "a GIF image", isScan),
    (Array("II*\u{0}".utf8), "a TIFF image", isScan),
    (Array("MM\u{0}*".utf8), "a TIFF image", isScan),
    ([0x1F, 0x8B], "a gzip file inside another", isPacked),
    ([0x28, 0xB5, 0x2F, 0xFD], "a zstd file", "unpack it first"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "an xz file", "unpack it first"),
    (Array("SQLite format 3".utf8), "an SQLite database", asUTF8),
    (Array("PAR1".utf8), "a Parquet file", asUTF8),
    (Array("{\\rtf".utf8), "a rich text document", asUTF8),
  ]
}
