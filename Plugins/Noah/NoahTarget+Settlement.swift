import IntakeCore

extension NoahTarget {
  /// GET of the customer that the request was about.
  func inquiry(about submission: Submission) -> Submission? {
    NoahCustomerID(submission.customer.exposed).map(getCustomer)
  }

  /// A stored customer like the one sent counts as accepted, whoever stored it: PUT has nothing to add.
  ///
  /// One that differs is an earlier version, and sending again is safe, for PUT is idempotent (RFC 9110 §9.2.2).
  func settlement(of response: HTTPResponse, about submission: Submission) -> Settlement {
    if NoahAnswer(response.body)?.type == .resourceNotFound {
      return .notAccepted(evidence: "the target has no customer with this id")
    }
    guard (200..<300).contains(response.status),
      let stored = try? JSONParser.parse(response.body), stored["DateOfBirth"] != nil,
      let sent = NoahTarget.sent(by: submission)
    else {
      return .unknown(
        evidence: "the answer \(response.status) to GET customer is not readable as a customer")
    }
    let comparison = NoahComparison(sent: sent, stored: stored)
    guard comparison.differing.isEmpty else {
      let fields = comparison.differing.joined(separator: ", ")
      return .notAccepted(evidence: "the stored customer differs in \(fields); PUT is idempotent")
    }
    let fields = comparison.equal.joined(separator: ", ")
    return .accepted(evidence: "the stored customer equals the one sent in \(fields)")
  }

  private static func sent(by submission: Submission) -> JSONValue? {
    let value = try? JSONParser.parse(submission.body.flatMap { $0.bytes(with: nil) })
    return value?["DateOfBirth"] == nil ? nil : value
  }
}

/// Which parts of a customer the target stores as they were sent; names only, never values.
struct NoahComparison {
  private(set) var equal: [String] = []
  private(set) var differing: [String] = []

  init(sent: JSONValue, stored: JSONValue) {
    note(
      "DateOfBirth",
      NoahComparison.text(sent, "DateOfBirth") == NoahComparison.text(stored, "DateOfBirth"))
    for (part, fields) in [
      ("FullName", NoahField.fullName), ("PrimaryResidence", NoahField.residence),
    ] {
      note(part, NoahComparison.isEqual(sent[part], stored[part], fields))
    }
    // No stored copy of the page lists them in the answer, so their absence says nothing.
    for name in ["Email", "PhoneNumber"] where stored[name] != nil && sent[name] != nil {
      note(name, NoahComparison.text(sent, name) == NoahComparison.text(stored, name))
    }
    if let kept = stored["Identities"]?.elements, let wanted = sent["Identities"]?.elements {
      note("Identities", NoahComparison.isSame(wanted, kept))
    }
  }

  private mutating func note(_ name: String, _ isEqual: Bool) {
    if isEqual { equal.append(name) } else { differing.append(name) }
  }

  /// A field that is empty or null is one that is not there.
  private static func text(_ value: JSONValue?, _ name: String) -> String? {
    value?[name]?.string.flatMap { $0.isEmpty ? nil : $0 }
  }

  private static func isEqual(_ left: JSONValue?, _ right: JSONValue?, _ fields: [NoahField])
    -> Bool
  {
    fields.allSatisfy { text(left, $0.name) == text(right, $0.name) }
  }

  /// The same documents in any order.
  private static func isSame(_ wanted: [JSONValue], _ kept: [JSONValue]) -> Bool {
    wanted.count == kept.count
      && wanted.allSatisfy { one in
        kept.contains { isEqual(one, $0, NoahField.identity) }
      }
  }
}
