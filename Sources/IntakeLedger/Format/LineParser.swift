/// Splits a line of a ledger into its fields: one flat JSON object of words and whole numbers.
///
/// It reads what `LineBuilder` writes and nothing else of JSON; a program that adds fields within the same
/// version keeps to that. The list of fields is kept from line to line, so a line costs no allocation.
struct LineParser {
  private struct Field {
    let name: UInt64
    let value: Range<Int>
    let isText: Bool
  }

  private var fields: [Field] = []
  /// A copy of the reference: reading a static table costs a check of its initialisation for each byte.
  private let allowed = LedgerWord.allowed

  /// Reads `bytes[range]`, which excludes the newline; false when it is no line of a ledger.
  mutating func parse(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    fields.removeAll(keepingCapacity: true)
    guard range.count >= LineFormat.minimum, range.count < LineFormat.limit,
      bytes[range.lowerBound] == UInt8(ascii: "{")
    else { return false }
    var index = range.lowerBound + 1
    while index < range.upperBound {
      guard let end = parseField(bytes, index, range.upperBound), end < range.upperBound else {
        return false
      }
      if bytes[end] == UInt8(ascii: "}") { return end + 1 == range.upperBound }
      guard bytes[end] == UInt8(ascii: ",") else { return false }
      index = end + 1
    }
    return false
  }

  /// Reads `"name":value`; where it ends, nil when it is no such thing.
  private mutating func parseField(_ bytes: [UInt8], _ start: Int, _ limit: Int) -> Int? {
    guard limit - start >= 5, bytes[start] == UInt8(ascii: "\"") else { return nil }
    var name: UInt64 = 0
    var index = start + 1
    while index < limit, (0x61...0x7A).contains(bytes[index]), index - start <= 8 {
      name = name << 8 | UInt64(bytes[index])
      index += 1
    }
    guard name != 0, limit - index >= 3, bytes[index] == UInt8(ascii: "\""),
      bytes[index + 1] == UInt8(ascii: ":")
    else { return nil }
    return parseValue(bytes, index + 2, limit, name)
  }

  private mutating func parseValue(
    _ bytes: [UInt8], _ start: Int, _ limit: Int, _ name: UInt64
  ) -> Int? {
    let isText = bytes[start] == UInt8(ascii: "\"")
    let first = isText ? start + 1 : start
    var index = first
    if isText {
      while index < limit, allowed[Int(bytes[index])] { index += 1 }
      guard index < limit, bytes[index] == UInt8(ascii: "\"") else { return nil }
    } else {
      while index < limit, (0x30...0x39).contains(bytes[index]), index - first < 18 { index += 1 }
      guard index > first else { return nil }
    }
    fields.append(Field(name: name, value: first..<index, isText: isText))
    return isText ? index + 1 : index
  }

  /// Where the text of a field stands, nil when there is no such field or it is a number.
  func text(_ name: FieldName) -> Range<Int>? {
    for field in fields where field.name == name.packed { return field.isText ? field.value : nil }
    return nil
  }

  /// The number of a field, nil when there is no such field or it is a text.
  func number(_ name: FieldName, _ bytes: [UInt8]) -> Int? {
    for field in fields where field.name == name.packed {
      guard !field.isText else { return nil }
      return field.value.reduce(0) { $0 * 10 + Int(bytes[$1] & 15) }
    }
    return nil
  }
}

/// The name of a field: one to eight small letters, packed for comparison.
struct FieldName: Sendable {
  let text: StaticString
  let packed: UInt64

  init(_ text: StaticString) {
    self.text = text
    packed = text.withUTF8Buffer { $0.reduce(0) { $0 << 8 | UInt64($1) } }
  }
}
