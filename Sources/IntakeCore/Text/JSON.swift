/// A JSON value that knows where it stood, so that errors can name line and column.
public struct JSONValue: Sendable {
  /// What it is.
  public let kind: Kind
  /// Bytes from the start of the text.
  public let offset: Int

  /// The seven kinds of values; a number keeps its text, so that nothing is lost in conversion.
  public enum Kind: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number as it was written.
    case number(String)
    /// A text without its quotes and escapes.
    case string(String)
    /// The elements of a list.
    case array([JSONValue])
    /// The fields of an object, in their order; no name stands twice.
    case object([JSONField])
  }

  /// The fields of an object, nil for other kinds.
  public var fields: [JSONField]? { if case .object(let fields) = kind { fields } else { nil } }

  /// The elements of an array, nil for other kinds.
  public var elements: [JSONValue]? {
    if case .array(let elements) = kind { elements } else { nil }
  }

  /// The text of a string, nil for other kinds.
  public var string: String? { if case .string(let text) = kind { text } else { nil } }

  /// True or false, nil for other kinds.
  public var bool: Bool? { if case .bool(let value) = kind { value } else { nil } }

  /// A whole number, nil for other kinds and for numbers that do not fit.
  public var integer: Int? {
    guard case .number(let text) = kind else { return nil }
    return Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
  }

  /// A number, nil for other kinds and for numbers beyond the range of a double.
  public var number: Double? {
    guard case .number(let text) = kind, let number = Double(text), number.isFinite else {
      return nil
    }
    return number
  }

  /// The value of a field of an object, nil when there is none.
  public subscript(name: String) -> JSONValue? { fields?.first { $0.name == name }?.value }

  /// The kind in words, for messages: `a string`, `an object` ….
  public var kindName: String {
    switch kind {
    case .null: return "null"
    case .bool: return "true or false"
    case .number: return "a number"
    case .string: return "a string"
    case .array: return "a list"
    case .object: return "an object"
    }
  }
}

/// One field of a JSON object.
public struct JSONField: Sendable {
  /// The name.
  public let name: String
  /// Bytes from the start of the text to the name's quote.
  public let offset: Int
  /// The value.
  public let value: JSONValue
}

/// Writes JSON (RFC 8259) by hand: fields in the order given, `/` left alone, no copy of large values.
public enum JSONText {
  /// The inside of a JSON string: quotes, backslashes and control characters escaped, the rest as it is.
  public static func escaped(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.underestimatedCount)
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), byte]
      case 0x0A: result += Array("\\n".utf8)
      case 0x0D: result += Array("\\r".utf8)
      case 0x09: result += Array("\\t".utf8)
      case 0..<0x20, 0x7F:
        result += Array(("\\u00" + Hex.text(CollectionOfOne(byte))).utf8)
      default: result.append(byte)
      }
    }
    return result
  }

  /// A JSON string with its quotes.
  public static func quoted(_ text: String) -> String { text.json.text }

  /// Adds a JSON string with its quotes; most have nothing to escape, and are copied whole.
  public static func write(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { text in
      let isPlain = text.allSatisfy {
        $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
      }
      if isPlain { bytes += text } else { bytes += escaped(text) }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}

/// A JSON value to be written; objects keep the order of their fields.
public enum JSONOutput: Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A whole number.
  case integer(Int)
  /// Written with at most three decimals: times in milliseconds need no more.
  case decimal(Double)
  /// A number as it was written.
  case number(String)
  /// A text, escaped where JSON wants it.
  case string(String)
  /// A list.
  case array([JSONOutput])
  /// Names with values, in this order.
  case object([(String, JSONOutput)])

  /// An object; fields without a value are left out.
  public init(fields: JSONFields) {
    self = .object(fields.compactMap { name, value in value.map { (name, $0.json) } })
  }

  /// A value that was read, to be written again.
  public init(_ value: JSONValue) {
    switch value.kind {
    case .null: self = .null
    case .bool(let flag): self = .bool(flag)
    case .number(let text): self = .number(text)
    case .string(let text): self = .string(text)
    case .array(let elements): self = .array(elements.map { JSONOutput($0) })
    case .object(let fields): self = .object(fields.map { ($0.name, JSONOutput($0.value)) })
    }
  }

  /// The value on one line.
  public var text: String {
    var bytes: [UInt8] = []
    write(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Adds the value on one line.
  public func write(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes += "null".utf8
    case .bool(let value): bytes += (value ? "true" : "false").utf8
    case .integer(let value): bytes += String(value).utf8
    case .decimal(let value): bytes += JSONOutput.short(value).utf8
    case .number(let text): bytes += text.utf8
    case .string(let value): JSONText.write(value, to: &bytes)
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        value.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let fields):
      bytes.append(UInt8(ascii: "{"))
      for (index, field) in fields.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        JSONText.write(field.0, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        field.1.write(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }

  private static func short(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 9e15 else { return "null" }
    let rounded = (value * 1000).rounded() / 1000
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
  }
}

/// What a field of a JSON object may hold when it is written.
public protocol JSONConvertible: Sendable {
  /// The value as JSON.
  var json: JSONOutput { get }
}

/// The fields of an object in their order; those without a value are left out.
public typealias JSONFields = [(name: String, value: (any JSONConvertible)?)]

extension Optional where Wrapped: JSONConvertible {
  /// The value, or `null` where the field has to be there.
  public var orNull: JSONOutput { self?.json ?? .null }
}

extension JSONOutput: JSONConvertible {
  /// The value itself.
  public var json: JSONOutput { self }
}

extension Bool: JSONConvertible {
  /// `true` or `false`.
  public var json: JSONOutput { .bool(self) }
}

extension Int: JSONConvertible {
  /// A whole number.
  public var json: JSONOutput { .integer(self) }
}

extension Double: JSONConvertible {
  /// A number with at most three decimals.
  public var json: JSONOutput { .decimal(self) }
}

extension String: JSONConvertible {
  /// A string.
  public var json: JSONOutput { .string(self) }
}

extension Array: JSONConvertible where Element: JSONConvertible {
  /// A list.
  public var json: JSONOutput { .array(map(\.json)) }
}

extension Dictionary: JSONConvertible where Key == String, Value: JSONConvertible {
  /// An object, its fields in the order of their names.
  public var json: JSONOutput {
    .object(sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) })
  }
}
