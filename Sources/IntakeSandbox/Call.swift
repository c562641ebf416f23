/// A request that was read whole.
struct Call {
  /// Request line and header fields.
  let head: RequestHead
  /// The body.
  let body: [UInt8]
  /// When it arrived, by the sandbox's clock.
  let time: Timestamp
}

/// An answer, and what giving it meant.
struct Reply {
  /// The answer.
  var answer: Answer
  /// The request changed what is stored.
  var isAccepted = false
}

/// A request that is understood but not carried out yet, so that faults can choose by what it is about.
struct PreparedCall {
  /// The DCAMS service, or what Noah is asked to do.
  let service: String
  /// The e-mail or CustomerID, nil when there is none.
  let customer: String?
  /// Values that a careless server might repeat in its messages.
  var confidential: [String] = []
  /// Oddities for the log.
  var notes: [String] = []
  /// Carries it out.
  let perform: () -> Reply
}

/// One of the two APIs.
protocol VendorAPI: Sendable {
  /// Understands a request.
  func prepare(_ call: Call) -> PreparedCall

  /// The vendor's error body for any status, with its documented message where there is one.
  func refusal(_ status: Int, _ message: String?) -> Answer
}
