import IntakeCore
import IntakeSystem

/// The bytes of a manifest as UTF-8: unpacked, decoded, and without what programs leave behind its last row.
///
/// Pieces pass through as they are read; nothing needs a second look, so that standard input is like a file.
struct ManifestText: ~Copyable {
  /// The first bytes as they are in the file; none of text in UTF-16, whose NULs look like those of other files.
  private(set) var start: [UInt8] = []
  private let source: Descriptor
  private let notes: ManifestNotes
  private var gzip: GzipReader?
  /// Bytes that were read to look at them and have not been decoded.
  private var ahead: ArraySlice<UInt8> = []
  /// Bytes that have been decoded and must wait for what was held back.
  private var decodedAhead: ArraySlice<UInt8> = []
  /// Nil until something beyond ASCII shows.
  private var encoding: TextEncoding?
  private var tail = TailFilter()
  private static let pieceSize = 65_536
  /// Bytes of the file as it is; nil for a pipe.
  private let size: Int?

  /// Looks at the first bytes, which show UTF-16; where no encoding is given, the first byte beyond ASCII decides the rest.
  init(_ source: Descriptor, encoding: TextEncoding?, notes: ManifestNotes) throws {
    self.source = source
    self.notes = notes
    let status = try? source.status()
    size = status?.kind == .regular ? status?.size : nil
    try lookAhead(64)
    if ahead.starts(with: [0x1F, 0x8B]) {
      gzip = try GzipReader(startingWith: Array(ahead))
      ahead = []
      try lookAhead(64)
      notes.say("the manifest is a gzip file, which is unpacked as it is read")
    }
    let shown = TextEncoding(startingWith: ahead)
    let recognised = encoding.map { $0.isUTF16 && shown?.isUTF16 == true ? shown : $0 } ?? shown
    self.encoding = recognised
    if shown != nil || recognised ?? .utf8 != .utf8 { notes.noteMark() }
    if recognised?.isUTF16 != true {
      start = Array(ahead.prefix(64))
    } else if encoding == nil {
      notes.say("the manifest is read as UTF-16, as its first bytes show")
    }
  }

  /// The part of the file that has been handed on, 0 to 1; nil for a pipe.
  var share: Double? {
    guard let size, size > 0, let position = source.position else { return nil }
    let waiting =
      switch gzip {
      case .some(let packed): packed.waiting
      case nil: ahead.count
      }
    return min(1, max(0, Double(position - waiting) / Double(size)))
  }

  /// Reads UTF-8, at least one byte unless the end is reached; returns how many.
  mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      if let count = tail.released(into: buffer) { return count }
      let count = try decoded(into: buffer)
      guard count > 0 else {
        if tail.isHolding { notes.say("what follows the last row is ignored: NULs or Ctrl-Z") }
        return 0
      }
      let passed = tail.passing(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      if passed == nil { decodedAhead = buffer[..<count] + decodedAhead }
      guard !tail.isEndless else {
        throw unusable(
          "the manifest holds more than \(TailFilter.most) bytes of nothing but NULs or Ctrl-Z",
          hint: "get the whole file again: what a disk lost or never wrote reads as NULs")
      }
      if let passed, passed > 0 { return passed }
    }
  }

  private mutating func decoded(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if !decodedAhead.isEmpty { return ManifestText.move(&decodedAhead, into: buffer) }
    // A unit of UTF-16, and a byte that stands for a letter, make three bytes of UTF-8 at most.
    let most = buffer.count / 3
    let text: String
    switch encoding {
    case .utf8: return try raw(into: buffer)
    case nil: return try undecided(into: buffer)
    case .utf16(let isBigEndian): text = try utf16(isBigEndian, atMost: most)
    case .table(let letters): text = try singleBytes(letters, atMost: most)
    }
    buffer.copyBytes(from: text.utf8)
    return text.utf8.count
  }

  /// ASCII passes; the first byte beyond it decides between UTF-8 and Windows-1252.
  ///
  /// One well-formed sequence is enough: in Windows-1252 it would be an accented capital before a symbol.
  private mutating func undecided(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = try raw(into: buffer)
    guard let first = ManifestText.firstBeyondASCII(buffer[..<count]) else { return count }
    ahead = buffer[first..<count] + ahead
    guard first == 0 else { return first }
    if try startsWithUTF8() {
      encoding = .utf8
    } else {
      encoding = .table(LetterTable.windows1252)
      notes.noteMark()
      notes.say("the manifest isn't UTF-8; it is read as Windows-1252 (--encoding says otherwise)")
    }
    return try decoded(into: buffer)
  }

  /// Whether the bytes ahead begin with a character of UTF-8; waits for no byte that doesn't matter.
  private mutating func startsWithUTF8() throws -> Bool {
    guard let lead = ahead.first, (0xC2...0xF4).contains(lead) else { return false }
    for index in 1..<(lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4) {
      try lookAhead(index + 1)
      guard ahead.count > index, ahead[ahead.startIndex + index] & 0xC0 == 0x80 else {
        return false
      }
    }
    return true
  }

  private static func firstBeyondASCII(_ buffer: Slice<UnsafeMutableRawBufferPointer>) -> Int? {
    let bytes = UnsafeRawBufferPointer(rebasing: buffer)
    var place = 0
    // Eight bytes at once: a million rows of plain text are looked through in 30 ms.
    while place + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      if word & 0x8080_8080_8080_8080 != 0 { break }
      place += 8
    }
    return bytes[place...].firstIndex { $0 >= 0x80 }
  }

  private mutating func utf16(_ isBigEndian: Bool, atMost most: Int) throws -> String {
    try lookAhead(4)
    let bytes = Array(ahead.prefix(most * 2))
    var units = stride(from: 0, to: bytes.count - 1, by: 2).map { place -> UInt16 in
      let (first, second) = (UInt16(bytes[place]), UInt16(bytes[place + 1]))
      return isBigEndian ? first << 8 | second : second << 8 | first
    }
    // Half of a pair waits for the other half; what is left alone at the very end is damage, which shows as U+FFFD.
    if ahead.count >= 4, units.count > 1, let last = units.last, UTF16.isLeadSurrogate(last) {
      units.removeLast()
    }
    guard !units.isEmpty else {
      defer { ahead = [] }
      return ahead.isEmpty ? "" : "\u{FFFD}"
    }
    ahead = ahead.dropFirst(units.count * 2)
    return String(decoding: units, as: UTF16.self)
  }

  private mutating func singleBytes(_ letters: [Unicode.Scalar], atMost most: Int) throws
    -> String
  {
    try lookAhead(1)
    let bytes = ahead.prefix(most)
    ahead = ahead.dropFirst(bytes.count)
    var text = String.UnicodeScalarView()
    text.append(
      contentsOf: bytes.lazy.map { $0 < 0x80 ? Unicode.Scalar($0) : letters[Int($0) - 0x80] })
    return String(text)
  }

  /// Makes sure that there are so many bytes to look at, if the manifest has them.
  private mutating func lookAhead(_ count: Int) throws {
    while ahead.count < count {
      let piece = try [UInt8](unsafeUninitializedCapacity: ManifestText.pieceSize) { piece, count in
        count = try fresh(into: UnsafeMutableRawBufferPointer(piece))
      }
      guard !piece.isEmpty else { return }
      ahead += piece
    }
  }

  private mutating func raw(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    ahead.isEmpty ? try fresh(into: buffer) : ManifestText.move(&ahead, into: buffer)
  }

  private static func move(
    _ bytes: inout ArraySlice<UInt8>, into buffer: UnsafeMutableRawBufferPointer
  ) -> Int {
    let piece = bytes.prefix(buffer.count)
    buffer.copyBytes(from: piece)
    bytes = bytes.dropFirst(piece.count)
    return piece.count
  }

  private mutating func fresh(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if let count = try gzip?.read(into: buffer, from: { [source] in try source.read(into: $0) }) {
      return count
    }
    return try source.read(into: buffer)
  }
}

/// Holds back NULs and Ctrl-Z, and blanks behind them, until something else follows.
///
/// At the end of a file they are what a disk or an old program left there; before its end they belong to a cell.
struct TailFilter {
  private var held: [(byte: UInt8, count: Int)] = []
  /// Whether what is held back goes on.
  private var isReleasing = false
  /// Different bytes in turn; a longer sequence is no tail.
  private static let mostRuns = 8
  /// As long as a row may be at most, and more than any program leaves behind the last one; a device never ends.
  static let most = 16_777_216

  var isHolding: Bool { !held.isEmpty }

  /// Whether more is held back than can be the tail of a manifest.
  var isEndless: Bool { held.reduce(0) { $0 + $1.count } > TailFilter.most }

  /// How many of the bytes that have come in go on, the rest is held back; nil where what is held back must go on first.
  mutating func passing(_ bytes: UnsafeRawBufferPointer) -> Int? {
    let text = bytes.lastIndex { !TailFilter.isLeft($0) && !$0.isASCIISpace }
    if isHolding, text != nil {
      isReleasing = true
      return nil
    }
    let end = text.map { $0 + 1 } ?? 0
    let first = isHolding ? 0 : bytes[end...].firstIndex(where: TailFilter.isLeft) ?? bytes.count
    for byte in bytes[first...] {
      if held.last?.byte == byte {
        held[held.count - 1].count += 1
      } else {
        held.append((byte, 1))
      }
    }
    isReleasing = held.count > TailFilter.mostRuns
    return first
  }

  private static func isLeft(_ byte: UInt8) -> Bool { byte == 0 || byte == 0x1A }

  /// Writes bytes that are held back no longer; nil when there are none.
  mutating func released(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    guard isReleasing, var run = held.first else { return nil }
    let count = min(run.count, buffer.count)
    for index in 0..<count { buffer[index] = run.byte }
    run.count -= count
    if run.count == 0 { held.removeFirst() } else { held[0] = run }
    isReleasing = isHolding
    return count
  }
}

/// How the bytes of a manifest stand for letters.
enum TextEncoding: Equatable, Sendable {
  case utf8
  case utf16(isBigEndian: Bool)
  /// One byte a letter, and those from 0x80 on.
  case table([Unicode.Scalar])

  /// Whether it is UTF-16 of either order, which a byte order mark tells better than any name.
  var isUTF16: Bool {
    if case .utf16 = self { true } else { false }
  }

  /// What `--encoding` takes, by the name that is shown.
  static let names = [
    "auto", "utf-8", "utf-16", "utf-16le", "utf-16be", "windows-1252", "windows-1250", "macintosh",
  ]

  /// The encoding of that name or one of its other usual names, in any case; nil for one that isn't read.
  static func named(_ name: String) -> TextEncoding? {
    switch String(decoding: name.lowercased().utf8.filter(\.isASCIIAlphanumeric), as: UTF8.self) {
    case "utf8", "utf8bom", "ascii", "usascii": .utf8
    case "utf16", "utf16le", "unicode", "ucs2": .utf16(isBigEndian: false)
    case "utf16be": .utf16(isBigEndian: true)
    case "windows1252", "cp1252", "win1252", "ansi", "latin1", "iso88591":
      .table(LetterTable.windows1252)
    case "windows1250", "cp1250", "win1250": .table(LetterTable.windows1250)
    case "macintosh", "macroman", "mac", "xmacroman": .table(LetterTable.macintosh)
    default: nil
    }
  }

  /// Tells UTF-16 by its byte order mark, or by the NULs of its first two letters; nil where nothing is certain.
  init?(startingWith bytes: ArraySlice<UInt8>) {
    let start = Array(bytes.prefix(4))
    let isWide = start.starts(with: [0xFF, 0xFE, 0, 0]) || start == [0, 0, 0xFE, 0xFF]
    guard !isWide, start.count >= 2 else { return nil }
    if start.starts(with: [0xEF, 0xBB, 0xBF]) {
      self = .utf8
    } else if start.starts(with: [0xFF, 0xFE]) || TextEncoding.zeros(start) == [1, 3] {
      self = .utf16(isBigEndian: false)
    } else if start.starts(with: [0xFE, 0xFF]) || TextEncoding.zeros(start) == [0, 2] {
      self = .utf16(isBigEndian: true)
    } else {
      return nil
    }
  }

  private static func zeros(_ bytes: [UInt8]) -> [Int] { bytes.indices.filter { bytes[$0] == 0 } }
}

/// The letters of bytes from 0x80 on, where each byte is one: 128, with U+FFFD for a byte that stands for none.
enum LetterTable {
  /// Western Europe on Windows.
  static let windows1252 =
    Array(
      "€\u{FFFD}‚ƒ„…†‡ˆ‰Š‹Œ\u{FFFD}Ž\u{FFFD}\u{FFFD}‘’“”•–—˜™š›œ\u{FFFD}žŸ".unicodeScalars)
    + (0xA0...0xFF as ClosedRange<UInt8>).map { Unicode.Scalar($0) }

  /// Central Europe on Windows.
  static let windows1250 =
    Array(
      ("€\u{FFFD}‚\u{FFFD}„…†‡\u{FFFD}‰Š‹ŚŤŽŹ\u{FFFD}‘’“”•–—\u{FFFD}™š›śťžź"
        + "\u{A0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{AD}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß"
        + "ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙").unicodeScalars)

  /// What Excel for Mac calls CSV (Macintosh).
  static let macintosh =
    Array(
      ("ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u{A0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ"
        + "‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{F8FF}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ").unicodeScalars)
}
