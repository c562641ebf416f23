import IntakeCore

/// What a field of printed JSON may hold.
protocol JSONConvertible {
  var json: JSONOutput { get }
}

/// The fields of an object in their order; those without a value are left out.
typealias JSONFields = [(name: String, value: (any JSONConvertible)?)]

extension JSONOutput: JSONConvertible {
  var json: JSONOutput { self }

  init(fields: JSONFields) {
    self = .object(fields.compactMap { name, value in value.map { (name, $0.json) } })
  }

  /// A value that was read, to be written again; numbers keep their digits.
  init(_ value: JSONValue) {
    switch value.kind {
    case .null: self = .null
    case .bool(let flag): self = .bool(flag)
    case .number(let text): self = Int(text).map { .integer($0) } ?? .decimal(Double(text) ?? 0)
    case .string(let text): self = .string(text)
    case .array(let elements): self = .array(elements.map { JSONOutput($0) })
    case .object(let fields): self = .object(fields.map { ($0.name, JSONOutput($0.value)) })
    }
  }
}

extension Optional where Wrapped: JSONConvertible {
  /// The value, or `null` where the field has to be there.
  var orNull: JSONOutput { self?.json ?? .null }
}

extension Bool: JSONConvertible { var json: JSONOutput { .bool(self) } }
extension Int: JSONConvertible { var json: JSONOutput { .integer(self) } }
extension Double: JSONConvertible { var json: JSONOutput { .decimal(self) } }
extension String: JSONConvertible { var json: JSONOutput { .string(self) } }

extension Array: JSONConvertible where Element: JSONConvertible {
  var json: JSONOutput { .array(map(\.json)) }
}

extension Dictionary: JSONConvertible where Key == String, Value: JSONConvertible {
  var json: JSONOutput { .object(sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) }) }
}
