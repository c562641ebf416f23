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
