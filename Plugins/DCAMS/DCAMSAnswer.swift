import IntakeCore

/// An answer of DCAMS storage, read tolerantly: every field may be missing, in another place or of another type.
struct DCAMSAnswer {
  /// `Success` or `Error`, in lower case.
  let result: String?
  let message: String?
  let status: String?
  let type: String?
  let link: String?
  let reference: String?
  let target: JSONValue?

  /// Nil when the body is no JSON object, or one whose fields stand twice, which readers disagree on.
  init?(_ body: [UInt8]) {
    guard let root = try? JSONParser.parse(body), root.fields != nil else { return nil }
    result = root["result"]?.string?.lowercased()
    message = root["message"]?.string
    // updateStatus answers with the status inside target, the other services at the top.
    status = (root["status"] ?? root["target"]?["status"])?.string?.uppercased()
    type = root["type"]?.string
    link = root["customer_link"]?.string
    reference = root["reference"]?.string ?? root["reference"]?.integer.map(String.init)
    target = root["target"]
  }

  /// What an error message means; the documented ones only, for others might quote the customer.
  static func failure(for message: String?) -> (FailureCode, String)? {
    switch message?.lowercased() {
    case "the email address is invalid":
      return (.refusedByTarget, "the target refused the e-mail address (column \"email\")")
    case "missing a required input":
      return (.refusedByTarget, "the target misses a required input")
    case "the email address was not found":
      return (.customerNotFound, "the target has no customer with this e-mail (column \"email\")")
    case "either your username or password is incorrect":
      return (.credentialsRefused, "the target refused user name or password")
    default: return nil
    }
  }
}
