import IntakeCore

/// A customer as the sandbox keeps it: what either API was told, and when.
struct Customer: Sendable {
  /// Counts the customers of this sandbox; the digits in `customer_link`.
  let number: Int
  /// The API that brought it.
  let origin: Origin
  /// What that API finds it by: the e-mail as first stored, or the CustomerID.
  let key: String
  /// When it was first stored.
  let created: Timestamp
  /// The status, spelt as the API spells it.
  var status: String
  /// The free value of DCAMS, as received.
  var reference: Reference?
  /// What was sent, in the order of first arrival; nested names joined with dots.
  var fields: [CustomerField] = []
  /// Noah's request body as received; its answers repeat parts of it.
  var document: [UInt8] = []
  /// The scans.
  var images: [Side: StoredImage] = [:]
  /// What happened to it, oldest first.
  var events: [CustomerEvent] = []

  /// Whether all but key, number, reference and status was dropped to keep memory flat.
  private(set) var isReduced = false

  /// Drops everything that grows with what was sent.
  mutating func reduce() {
    (fields, document, images, events) = ([], [], [:], [])
    isReduced = true
  }

  /// The two APIs.
  enum Origin: String, Sendable {
    case dcams = "DCAMS"
    case noah = "Noah"
  }

  /// The value of a field.
  subscript(field name: String) -> String? { fields.first { $0.name == name }?.value }

  /// Sets a field, in its old place where it had one.
  mutating func set(_ name: String, _ value: String) {
    if let index = fields.firstIndex(where: { $0.name == name }) {
      fields[index] = CustomerField(name: name, value: value)
    } else {
      fields.append(CustomerField(name: name, value: value))
    }
  }

  /// Notes what happened; the first and the latest 49 are kept.
  mutating func note(_ text: String, at time: Timestamp) {
    if events.count >= 50 { events.remove(at: 1) }
    events.append(CustomerEvent(time: time, text: text))
  }
}

/// One field of a customer.
struct CustomerField: Sendable, Hashable {
  /// The API's own name.
  let name: String
  /// The value as text.
  let value: String
}

/// Something that happened to a customer.
struct CustomerEvent: Sendable, Hashable {
  /// When.
  let time: Timestamp
  /// What, in words.
  let text: String
}

/// The `reference` of DCAMS, which answers repeat as they got it.
enum Reference: Sendable, Hashable {
  case text(String)
  case number(String)

  /// Takes the field's value; nil for values that are neither text nor number.
  init?(_ value: JSONValue?) {
    switch value?.kind {
    case .string(let text): self = .text(text)
    case .number(let digits): self = .number(digits)
    default: return nil
    }
  }

  /// As text, for people.
  var text: String {
    switch self {
    case .text(let text), .number(let text): return text
    }
  }

  /// As it goes back; a number too large for an integer goes back as text.
  var output: JSONOutput {
    guard case .number(let digits) = self, let number = Int(digits) else { return .string(text) }
    return .integer(number)
  }
}
