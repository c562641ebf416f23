/// Reads JSON (RFC 8259) strictly: valid UTF-8, no duplicate field names, no comments, bounded depth.
///
/// Foundation's two readers disagree on duplicate fields (the decoder takes the first, the serializer the
/// last) and name no line or column; plans, manifests and answers need both.
public struct JSONParser {
  /// Where a text stops being JSON, and why.
  public struct Failure: Error, Sendable, Equatable {
    /// Bytes from the start of the text.
    public let offset: Int
    /// What is wrong, in words.
    public let message: String
    /// The next step, where the message leaves it open.
    public let hint: String?
  }

  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0
  /// Deeper than any plan, row or answer; recursion stays far below a thread's stack of 512 KB.
  private static let deepest = 64

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The one value that the text holds.
  public static func parse(_ bytes: [UInt8]) throws(Failure) -> JSONValue {
    var parser = JSONParser(bytes)
    parser.skipSpace()
    let value = try parser.value()
    parser.skipSpace()
    guard parser.position == bytes.count else {
      throw parser.failure("there is more after the end of the value")
    }
    return value
  }

  private func failure(_ message: String, at offset: Int? = nil, hint: String? = nil) -> Failure {
    Failure(offset: offset ?? position, message: message, hint: hint)
  }

  private var byte: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func take(_ expected: UInt8) -> Bool {
    guard byte == expected else { return false }
    position += 1
    return true
  }

  private mutating func value() throws(Failure) -> JSONValue {
    let start = position
    return JSONValue(kind: try kind(), offset: start)
  }

  private mutating func kind() throws(Failure) -> JSONValue.Kind {
    switch byte {
    case UInt8(ascii: "{"): return .object(try object())
    case UInt8(ascii: "["):
      return .array(try list(until: "]") { parser throws(Failure) in try parser.value() })
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), .some(0x30...0x39): return .number(try number())
    case .none: throw failure("the text ends where a value should stand")
    default: return try word()
    }
  }

  private mutating func word() throws(Failure) -> JSONValue.Kind {
    let rest = bytes[position...]
    guard let word = JSONParser.words.first(where: { rest.starts(with: $0.text.utf8) }) else {
      throw failure("no JSON value starts here")
    }
    position += word.text.utf8.count
    return word.kind
  }

  private static let words: [(text: String, kind: JSONValue.Kind)] = [
    ("true", .bool(true)), ("false", .bool(false)), ("null", .null),
  ]

  /// What stands between a bracket and its counterpart, with commas between the elements.
  private mutating func list<Element>(
    until end: Unicode.Scalar, _ element: (inout JSONParser) throws(Failure) -> Element
  ) throws(Failure) -> [Element] {
    depth += 1
    defer { depth -= 1 }
    guard depth <= JSONParser.deepest else {
      throw failure("nested deeper than \(JSONParser.deepest) levels")
    }
    position += 1
    skipSpace()
    var elements: [Element] = []
    if take(UInt8(ascii: end)) { return elements }
    repeat {
      skipSpace()
      elements.append(try element(&self))
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: end)) else { throw failure("a comma or \(end) is missing") }
    return elements
  }

  private mutating func object() throws(Failure) -> [JSONField] {
    var seen: Set<[UInt8]> = []
    return try list(until: "}") { parser throws(Failure) in
      let start = parser.position
      guard parser.byte == UInt8(ascii: "\"") else {
        throw parser.failure("a field name in quotes is missing")
      }
      let name = try parser.string()
      // Compared as bytes: String equality calls NFC and NFD forms the same.
      guard seen.insert(Array(name.utf8)).inserted else {
        throw parser.failure(
          "the field \(name.quoted()) stands twice", at: start, hint: "leave one of the two")
      }
      parser.skipSpace()
      guard parser.take(UInt8(ascii: ":")) else { throw parser.failure("a colon is missing") }
      parser.skipSpace()
      return JSONField(name: name, offset: start, value: try parser.value())
    }
  }

  private mutating func digits() -> Bool {
    let start = position
    while let byte, byte.isASCIIDigit { position += 1 }
    return position > start
  }

  private mutating func number() throws(Failure) -> String {
    let start = position
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")), !digits() { throw failure("a digit is missing") }
    if take(UInt8(ascii: ".")), !digits() { throw failure("a digit is missing") }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      if !digits() { throw failure("a digit is missing") }
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func string() throws(Failure) -> String {
    let opening = position
    position += 1
    var text: [UInt8] = []
    while position < bytes.count {
      // Plain runs are taken whole: megabytes of base64 hold nothing that needs a closer look.
      let end = bytes[position...].firstIndex { $0 == 0x22 || $0 == 0x5C || $0 < 0x20 }
      text += bytes[position..<(end ?? bytes.count)]
      position = end ?? bytes.count
      guard let byte else { break }
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else {
          throw failure("the string is not valid UTF-8", at: opening)
        }
        return string
      case UInt8(ascii: "\\"): text += try escape()
      default: throw failure("a control character stands in a string", at: position - 1)
      }
    }
    throw failure("the string has no closing quote", at: opening)
  }

  private mutating func escape() throws(Failure) -> [UInt8] {
    defer { position += 1 }
    switch byte {
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case .some(let byte) where byte == 0x22 || byte == 0x5C || byte == 0x2F: return [byte]
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw failure("unknown escape in a string")
    }
  }

  /// Stands on the `u` and leaves on the last hexadecimal digit.
  private mutating func unicodeEscape() throws(Failure) -> [UInt8] {
    let start = position - 1
    var code = try fourHexDigits()
    if (0xD800..<0xDC00).contains(code), bytes[(position + 1)...].starts(with: [0x5C, 0x75]) {
      position += 2
      let low = try fourHexDigits()
      guard (0xDC00..<0xE000).contains(low) else { throw loneSurrogate(at: start) }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw loneSurrogate(at: start) }
    return Array(String(Character(scalar)).utf8)
  }

  private func loneSurrogate(at offset: Int) -> Failure {
    failure(
      "a lone surrogate", at: offset,
      hint: "write the character itself in UTF-8, or both halves of its escape")
  }

  private mutating func fourHexDigits() throws(Failure) -> UInt32 {
    guard position + 4 < bytes.count, let code = Hex.bytes(bytes[position + 1...position + 4])
    else { throw failure("four hexadecimal digits are missing") }
    position += 4
    return UInt32(code[0]) << 8 | UInt32(code[1])
  }
}

/// A place in a text as people count: lines from 1, columns from 1 in characters.
public struct TextPosition: Sendable, Hashable, CustomStringConvertible {
  /// Line, from 1.
  public let line: Int
  /// Column, from 1.
  public let column: Int

  /// Finds the place of a byte offset in a UTF-8 text.
  public init(offset: Int, in bytes: [UInt8]) {
    let before = bytes.prefix(offset)
    let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    line = before.count { $0 == 0x0A } + 1
    // Continuation bytes of UTF-8 (10xxxxxx) are no characters of their own.
    column = before[start...].count { $0 & 0xC0 != 0x80 } + 1
  }

  /// `line 3, column 14`.
  public var description: String { "line \(line), column \(column)" }
}
