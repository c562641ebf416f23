import IntakeSystem

/// The part of the manifest that is in memory: 64 KB pieces are read behind it, records are taken from its front.
struct ByteWindow: ~Copyable {
  /// 64 KB: what a pipe holds, and large enough that the system call does not show in the profile.
  private static let piece = 65_536

  private let source: Descriptor
  /// The bytes in memory; those before `start` are taken already.
  private(set) var bytes: [UInt8] = []
  /// Where the first byte that was not taken yet stands in `bytes`.
  private(set) var start = 0
  /// How many bytes of the manifest stood before the buffer's first.
  private var passed = 0
  /// Whether there is nothing left to read behind the window.
  private(set) var isLast = false
  /// The number of the line that `start` stands in.
  private(set) var line = 1
  /// Set after a CR that ended the window: an LF that follows belongs to it.
  private var owesLineFeed = false

  init(_ source: Descriptor) { self.source = source }

  /// How many bytes are waiting.
  var count: Int { bytes.count - start }

  /// Bytes from the start of the manifest to a place in the window.
  func offset(of position: Int) -> Int { passed + position }

  /// Reads one more piece; false at the end of the manifest.
  ///
  /// A window that holds the start of a long record doubles, so that it is scanned anew a few times only.
  mutating func grow() throws -> Bool {
    guard !isLast else { return false }
    let kept = count
    let room = max(ByteWindow.piece, kept)
    let grown = try [UInt8](unsafeUninitializedCapacity: kept + room) {
      [bytes, start] buffer, used in
      let all = UnsafeMutableRawBufferPointer(buffer)
      bytes[start...].withUnsafeBytes { all.copyMemory(from: $0) }
      used = kept
      used += try source.read(into: UnsafeMutableRawBufferPointer(rebasing: all[kept...]))
    }
    passed += start
    start = 0
    bytes = grown
    isLast = grown.count == kept
    return !isLast
  }

  /// Takes bytes that are no line ends from the front, such as a byte order mark.
  mutating func skip(_ count: Int) { start += count }

  /// Takes everything up to `end` and counts the lines it held.
  mutating func take(upTo end: Int, lines: Int, endsInCarriageReturn: Bool) {
    owesLineFeed = endsInCarriageReturn && end == bytes.count
    start = end
    line += lines
  }

  /// Makes sure that there is a byte to look at; skips the LF of a CRLF that was cut by the window's end.
  mutating func reachNext() throws -> Bool {
    while true {
      while start == bytes.count {
        guard try grow() else { return false }
      }
      guard owesLineFeed else { return true }
      owesLineFeed = false
      if bytes[start] == 0x0A { start += 1 }
    }
  }

  /// Passes over the rest of the line without keeping it.
  mutating func skipLine() throws {
    while true {
      var position = start
      while position < bytes.count, !isLineEnd(bytes[position]) { position += 1 }
      if position < bytes.count {
        return takeLine(upTo: position)
      }
      start = bytes.count
      guard try grow() else { return }
    }
  }

  /// Takes a line whose end stands at `end`, with that end.
  mutating func takeLine(upTo end: Int) {
    let isReturn = bytes[end] == 0x0D
    let isPair = isReturn && end + 1 < bytes.count && bytes[end + 1] == 0x0A
    take(upTo: end + (isPair ? 2 : 1), lines: 1, endsInCarriageReturn: isReturn && !isPair)
  }
}

/// Whether a byte is LF or CR.
func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

/// Whether a byte is ASCII white space: blank, TAB, LF, VT, FF, CR.
func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

/// Whether a byte is an ASCII digit.
func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
