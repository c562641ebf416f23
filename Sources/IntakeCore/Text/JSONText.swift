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
  public static func quoted(_ text: String) -> String {
    "\"" + String(decoding: escaped(text.utf8), as: UTF8.self) + "\""
  }
}

/// A JSON value to be written; objects keep the order of their fields.
public indirect enum JSONOutput: Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A whole number.
  case integer(Int)
  /// Written with at most three decimals: times in milliseconds need no more.
  case decimal(Double)
  /// A text, escaped where JSON wants it.
  case string(String)
  /// A list.
  case array([JSONOutput])
  /// Names with values, in this order.
  case object([(String, JSONOutput)])

  /// A string, or null.
  public static func optional(_ text: String?) -> JSONOutput { text.map { .string($0) } ?? .null }

  /// The value on one line.
  public var text: String {
    switch self {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .integer(let value): return String(value)
    case .decimal(let value): return JSONOutput.short(value)
    case .string(let value): return JSONText.quoted(value)
    case .array(let values): return "[" + values.map(\.text).joined(separator: ",") + "]"
    case .object(let fields):
      let inside = fields.map { JSONText.quoted($0.0) + ":" + $0.1.text }
      return "{" + inside.joined(separator: ",") + "}"
    }
  }

  private static func short(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 9e15 else { return "null" }
    let rounded = (value * 1000).rounded() / 1000
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
  }
}
