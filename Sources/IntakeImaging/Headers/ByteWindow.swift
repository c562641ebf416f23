/// A part of a file, read at any offset without ever leaving it.
struct ByteWindow {
  private let bytes: [UInt8]
  private let range: Range<Int>
  /// Whether numbers have their high byte first.
  var isBigEndian = true

  init(_ bytes: [UInt8], _ range: Range<Int>? = nil) {
    self.bytes = bytes
    self.range = (range ?? bytes.indices).clamped(to: bytes.indices)
  }

  var count: Int { range.count }

  subscript(offset: Int) -> UInt8? {
    offset >= 0 && offset < range.count ? bytes[range.lowerBound + offset] : nil
  }

  /// The number of `width` bytes at an offset, nil where it would reach beyond the end.
  func number(at offset: Int, width: Int) -> Int? {
    guard offset >= 0, offset <= range.count - width else { return nil }
    var value = 0
    for index in 0..<width {
      let place = isBigEndian ? index : width - 1 - index
      value = value << 8 | Int(bytes[range.lowerBound + offset + place])
    }
    return value
  }

  /// Whether the text stands at an offset.
  func has(_ text: StaticString, at offset: Int = 0) -> Bool {
    text.withUTF8Buffer { expected in
      guard offset >= 0, offset <= range.count - expected.count else { return false }
      return bytes[(range.lowerBound + offset)...].starts(with: expected)
    }
  }

  /// The bytes from an offset on, at most `limit`.
  func slice(from offset: Int, limit: Int = .max) -> [UInt8] {
    guard offset >= 0, offset < range.count else { return [] }
    return Array(bytes[(range.lowerBound + offset)..<range.upperBound].prefix(limit))
  }
}
