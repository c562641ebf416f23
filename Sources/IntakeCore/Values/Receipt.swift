/// What became of one attempt to send: the class the engine acts on, and what the server said.
public struct Receipt: Sendable {
  /// What the engine does with it.
  public var outcome: OutcomeClass
  /// HTTP status code of a complete answer.
  public var http: Int?
  /// The customer's status at the target: PASS, PENDING, FAIL or what else it says.
  public var status: String?
  /// `createCustomer`/`updateCustomer`, at Noah `created`/`updated`.
  public var type: String?
  /// Why it was not accepted, from the one list of codes.
  public var code: FailureCode?
  /// One sentence on why, free of personal data and secrets.
  public var detail: String?
  /// The next step for the operator; the code's own when nil.
  public var hint: String?
  /// Bytes of the body that was sent.
  public var bodyBytes = 0
  /// The address of a page that shows the customer, where the answer names one.
  public var link: String?
  /// Every step of a row that takes several, in order; empty for the others.
  public var steps: [StepReport] = []

  /// Makes a receipt.
  public init(
    _ outcome: OutcomeClass, http: Int? = nil, status: String? = nil, type: String? = nil,
    code: FailureCode? = nil, detail: String? = nil, hint: String? = nil
  ) {
    self.outcome = outcome
    self.http = http
    self.status = status
    self.type = type
    self.code = code
    self.detail = detail
    self.hint = hint
  }

  /// Bytes of all bodies of the row: the request's own and those of its follow-ups.
  public var totalBytes: Int {
    steps.dropFirst().reduce(bodyBytes) { $0 + ($1.verdict == .skipped ? 0 : $1.bodyBytes) }
  }
}
