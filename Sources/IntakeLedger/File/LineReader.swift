import IntakeSystem

/// Reads a file line by line, a megabyte at a time.
struct LineReader {
  /// A line, or what stands where one should.
  struct Line {
    /// Where its bytes are in `buffer`, without the newline.
    let range: Range<Int>
    /// Where it begins in the file.
    let offset: Int
    /// Whether a newline ends it; if not it is the rest of the file, or a piece of an overlong line.
    let isTerminated: Bool
  }

  private let file: any JournalFile
  private(set) var buffer: [UInt8] = []
  private var position = 0
  /// Where `buffer` begins in the file.
  private var base: Int
  private var isAtEnd = false

  static let chunk = 1 << 20

  init(_ file: any JournalFile, from offset: Int = 0) {
    self.file = file
    base = offset
  }

  /// The next line, nil at the end of the file.
  mutating func next() throws(SystemCallFailure) -> Line? {
    while true {
      if let newline = newline() {
        defer { position = newline + 1 }
        return Line(range: position..<newline, offset: base + position, isTerminated: true)
      }
      let rest = buffer.count - position
      if isAtEnd || rest > LineReader.chunk {
        guard rest > 0 else { return nil }
        defer { position = buffer.count }
        return Line(
          range: position..<buffer.count, offset: base + position, isTerminated: false)
      }
      try refill()
    }
  }

  private func newline() -> Int? {
    buffer.withUnsafeBufferPointer { bytes in
      bytes[position...].firstIndex(of: UInt8(ascii: "\n"))
    }
  }

  private mutating func refill() throws(SystemCallFailure) {
    let rest = Array(buffer[position...])
    let chunk = try file.read(at: base + buffer.count, count: LineReader.chunk)
    base += position
    position = 0
    isAtEnd = chunk.count < LineReader.chunk
    buffer = rest.isEmpty ? chunk : rest + chunk
  }
}
