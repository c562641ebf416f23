import IntakeSystem

/// The part of the manifest that is in memory: 64 KB pieces are read behind it, rows are taken from its front.
struct ByteWindow: ~Copyable {
  /// 64 KB: what a pipe holds, and large enough that the system call does not show in the profile.
  private static let pieceSize = 65_536

  private let source: Descriptor
  /// The bytes in memory; those before `start` have been taken already.
  private(set) var bytes: [UInt8] = []
  /// The place in `bytes` of the first one that has not been taken yet.
  private(set) var start = 0
  /// How many bytes of the manifest came before those in memory.
  private(set) var passed = 0
  /// Whether there is nothing left to read behind the window.
  private(set) var isLast = false
  /// The number of the line that `start` is in, from 1.
  private(set) var line = 1
  /// Set after a CR: an LF that follows belongs to it.
  private var owesLineFeed = false

  init(_ source: Descriptor) { self.source = source }

  /// How many bytes are waiting.
  var count: Int { bytes.count - start }

  /// Reads one more piece; false at the end of the manifest.
  ///
  /// A window that holds the start of a long row doubles, so the row is scanned again only a few times.
  mutating func grow() throws -> Bool {
    guard !isLast else { return false }
    let kept = count
    let room = max(ByteWindow.pieceSize, kept)
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

  /// Takes bytes that do not end a line, such as a byte order mark.
  mutating func skip(_ count: Int) { start += count }

  /// Takes everything up to `end`, which is a line end or the end of the manifest, and that line end.
  mutating func takeLine(upTo end: Int, lines: Int = 1) {
    owesLineFeed = end < bytes.count && bytes[end] == 0x0D
    start = min(end + 1, bytes.count)
    line += lines
  }

  /// Makes sure that there is a byte to look at, past the LF of a CRLF; false at the end of the manifest.
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
    while length < limit {
      if start + length == bytes.count {
        guard try grow() else { break }
      }
      if bytes[start + length].isLineEnd { break }
      length += 1
    }
    return Array(bytes[start..<start + length])
  }
}

extension UInt8 {
  /// Whether the byte is LF or CR.
  var isLineEnd: Bool { self == 0x0A || self == 0x0D }
}
