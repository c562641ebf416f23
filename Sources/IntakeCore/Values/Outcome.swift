/// How one row ended: what `Record` writes, for good and bad rows alike.
public struct Outcome: Sendable {
  /// The row.
  public let row: RowReference
  /// The row as the manifest has it, where the loader kept it.
  public var source: SourceRow?
  /// The row's key in the ledger, where one was made.
  public var key: RowKey?
  /// How it ended.
  public var verdict: Verdict
  /// The stage that failed, for all but accepted and skipped rows.
  public var stage: String?
  /// Why, for all but accepted rows.
  public var failure: StageFailure?
  /// Every further problem of the row that was found in the same pass.
  public var further: [StageFailure] = []
  /// Path, size and time of change of the scans, if decoding one of them ended a process.
  public var deadlyFiles: Personal<[UInt8]>?
  /// What the target answered, where it did.
  public var receipt: Receipt?
  /// When an earlier run had the row accepted, for rows that are skipped.
  public var since: UnixTime?
  /// Whether the row is, or may be, in doubt at a target that cannot be asked about it.
  public var cannotBeAsked = false
  /// Attempts to send in this run.
  public var attempts = 0
  /// Seconds that the row waited because the target asked for it, was down, or the rate was reached.
  public var waited = 0.0
  /// What was sent of each side.
  public var images: [Side: ShrinkReport] = [:]
  /// Milliseconds spent in each stage, in pipeline order.
  public var timings: [StageTiming] = []

  /// Describes how a row ended.
  public init(row: RowReference, key: RowKey?, verdict: Verdict) {
    self.row = row
    self.key = key
    self.verdict = verdict
  }
}

extension Outcome {
  /// Whether the run stopped before it was this row's turn.
  public var isNotTried: Bool { failure?.code == .stopped && attempts == 0 && verdict == .failed }

  /// Whether the row is refused because of another one of the manifest, whose key it may have.
  public var repeatsAnotherRow: Bool { failure?.code.isAboutAnotherRow == true }
}

/// The five ways a row can end, as results and summary name them.
public enum Verdict: String, Sendable, Hashable, CaseIterable {
  /// The target has it.
  case accepted
  /// The target or a check refused this row.
  case rejected
  /// Not sent, or definitely not accepted; may be sent again.
  case failed
  /// It may have been accepted.
  case inDoubt = "in_doubt"
  /// Accepted by an earlier run.
  case skipped
}

/// A row's name in the ledger: an HMAC of its identity, which reveals nothing about the customer.
public struct RowKey: Sendable, Hashable, CustomStringConvertible {
  /// URL-safe text, 22 characters.
  public let description: String

  /// Takes a key as a recorder made or read it.
  public init(_ text: String) { description = text }
}

/// How long a stage took.
public struct StageTiming: Sendable, Hashable {
  /// The name of the stage or role.
  public let stage: String
  /// Milliseconds.
  public let milliseconds: Double

  /// Pairs a stage with its time.
  public init(stage: String, milliseconds: Double) {
    self.stage = stage
    self.milliseconds = milliseconds
  }
}

/// What became of one attempt to send: the class the engine acts on, and what the server said.
///
/// A question that was not answered throws it.
public struct Receipt: Error {
  /// What the engine does with it.
  public var outcome: OutcomeClass
  /// HTTP status code of a complete answer.
  public var http: Int?
  /// The customer's status at the target: PASS, PENDING, FAIL or whatever it says.
  public var status: String?
  /// `createCustomer`/`updateCustomer`, at Noah `created`/`updated`.
  public var type: String?
  /// Why it was not accepted, from the one list of codes.
  public var code: FailureCode?
  /// One sentence on why, free of personal data and secrets.
  public var detail: String?
  /// Why, in the target's own words: they may repeat what was sent, so only the runner shows them, masked.
  public var message: Personal<String>?
  /// The target's own reference of this answer, for its support; the runner shows it where it repeats no cell.
  public var occurrence: Personal<String>?
  /// The next step for the operator; the code's own when nil.
  public var hint: String?
  /// Bytes of the body that was sent.
  public var bodyBytes = 0
  /// Bytes of the whole body with its credentials, whether or not all of it was sent; nil where nobody says.
  public var bodySize: Int?
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

  /// The receipt of an attempt that failed without an answer.
  public init(_ failure: StageFailure) {
    self.init(failure.outcome, code: failure.code, detail: failure.detail, hint: failure.hint)
  }

  /// What the target itself says about the reason, as the end of a sentence, and its own reference, unless something in
  /// that would be hidden.
  ///
  /// The only place where a target's message becomes text that people see.
  public func quotation(_ mask: TextMask, limit: Int = 300) -> String {
    let reference = occurrence?.exposed ?? ""
    let isShown = !reference.isEmpty && mask.masked(reference, patterns: false) == reference
    let text = mask.masked(message?.exposed ?? "", limit: limit)
    return (isShown ? "; occurrence \(reference)" : "")
      + (text.isEmpty ? "" : "; it says \"\(text)\"")
  }

  /// Bytes of all bodies of the row: the request's own and those of its follow-ups.
  public var totalBytes: Int {
    steps.dropFirst().reduce(bodyBytes) { $0 + ($1.verdict == .skipped ? 0 : $1.bodyBytes) }
  }
}
