import IntakeCore

/// The caller's own id of a customer, which stands in the path.
///
/// Only characters that percent-encoding leaves alone, so that the signed path and the sent one cannot differ.
struct NoahCustomerID {
  let text: String

  static let form = "1 to 36 characters of A-Z, a-z, 0-9, '.', '_' and '-'"
  static let rule = "column \"id\" has to hold the CustomerID, \(form)"

  init?(_ text: String) {
    let isPlain = text.utf8.allSatisfy {
      switch $0 {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
      }
    }
    // As path segments "." and ".." are removed before sending (RFC 3986 §5.2.4).
    guard isPlain, (1...36).contains(text.utf8.count), text != ".", text != ".." else { return nil }
    self.text = text
  }

  /// The id of a row; `reference` where there is no `id`.
  init?(in fields: CustomerFields) {
    guard let cell = fields[.id] ?? fields[.reference] else { return nil }
    self.init(cell.exposed)
  }

  var path: String { "/customers/" + text }
}
