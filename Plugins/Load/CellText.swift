/// A trimmed cell, or where it stops being UTF-8.
enum CellText: Equatable {
  case text(String)
  /// Bytes from the start of the manifest to the first one that is no UTF-8.
  case invalid(offset: Int)

  /// The text, nil where it is invalid.
  var text: String? {
    if case .text(let text) = self { text } else { nil }
  }

  /// Reads a part of `bytes`, which start `offset` bytes after the start of the manifest.
  init(_ bytes: [UInt8], _ range: Range<Int>, hasDoubledQuotes: Bool = false, offset: Int) {
    let content = bytes[range]
    let text =
      hasDoubledQuotes
      ? String(validating: CellText.undoubled(content), as: UTF8.self)
      : String(validating: content, as: UTF8.self)
    if let text {
      self = .text(text)
    } else {
      self = .invalid(offset: offset + range.lowerBound + CellText.validPrefix(content))
    }
  }

  private static func undoubled(_ content: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(content.count)
    var isSecond = false
    for byte in content {
      isSecond = byte == UInt8(ascii: "\"") && !isSecond
      if !isSecond { result.append(byte) }
    }
    return result
  }

  /// How many bytes from the start are whole UTF-8 characters.
  static func validPrefix(_ bytes: some Collection<UInt8>) -> Int {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var count = 0
    while case .scalarValue(let scalar) = decoder.decode(&iterator) { count += UTF8.width(scalar) }
    return count
  }
}

extension ByteWindow {
  /// The content of a cell, without the white space around it.
  func text(of cell: CSVCell) -> CellText {
    var range = cell.range
    while let first = range.first, isSpace(bytes[first]) { range = (first + 1)..<range.upperBound }
    while let last = range.last, isSpace(bytes[last]) { range = range.lowerBound..<last }
    return CellText(
      bytes, range, hasDoubledQuotes: cell.hasDoubledQuotes, offset: offset(of: 0))
  }

  /// The bytes of the line that starts here, at most `limit`; the same however the bytes come in.
  mutating func lineStart(atMost limit: Int) throws -> [UInt8] {
    var position = start
    while position - start < limit {
      if position == bytes.count {
        let checked = position - start
        // Even at the end the bytes may have moved to the front.
        let isMore = try grow()
        position = start + checked
        guard isMore else { break }
      }
      if isLineEnd(bytes[position]) { break }
      position += 1
    }
    return Array(bytes[start..<position])
  }
}
