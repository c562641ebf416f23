/// What one line of a ledger says, without its numbering and its checksum.
///
/// The fields are those of the line, so a kind that has no use for one leaves it nil. There is none for a name,
/// a path, an e-mail or a text of a server: what has no place here cannot leak.
public struct LedgerRecord: Sendable, Equatable {
  /// What the line is about.
  public let kind: Kind
  /// When it was written.
  public var time: LedgerTime
  /// The row (`k`).
  public var key: Fingerprint?
  /// The customer (`i`), the same for every row and operation about that customer.
  public var customer: Fingerprint?
  /// The content of the request (`d`), without credentials.
  public var digest: Fingerprint?
  /// What the row was made of (`src`): its cells and the bytes of its images; missing in ledgers of older programs.
  public var source: Fingerprint?
  /// Which attempt it is (`a`), 1 or more; in an outcome how many there were in that run, 0 for none.
  public var attempt: Int?
  /// The vendor's name of the operation (`op`).
  public var operation: String?
  /// Which step of the row it is (`f`): 0 for the request itself, 1 to 7 for its follow-ups.
  public var step: Int?
  /// What the step brings (`part`), such as `upload.front`.
  public var part: String?
  /// The verdict (`r`): a `Verdict` for outcomes, `accepted` or `not_accepted` for marks, `accepted` or `begun`
  /// for steps.
  public var verdict: String?
  /// The stage that failed.
  public var stage: String?
  /// Why, from the one list of codes.
  public var code: String?
  /// The column at fault, where it is one; missing in ledgers of older programs, as is `side`.
  public var column: String?
  /// The side at fault, where it is one.
  public var side: String?
  /// Status code of the answer, 200 to 599.
  public var http: Int?
  /// The customer's status at the target.
  public var status: String?
  /// What the target did: `createCustomer`, `updateCustomer` ….
  public var type: String?
  /// Bytes of the body that was sent.
  public var bytes: Int?
  /// Milliseconds that the row took in all stages together.
  public var milliseconds: Int?
  /// Line number in the manifest of that run.
  public var row: Int?
  /// Who settled a row (`by`): `operator:NAME` or `target`.
  public var author: String?
  /// Version of the program.
  public var tool: String?
  /// The receiving API that the ledger is about.
  public var target: String?
  /// Which part of the manifest the run took, `i/n`.
  public var shard: String?
  /// The machine.
  public var host: String?
  /// The process.
  public var process: Int?
  /// Proof that the key file belongs to the ledger (`key`).
  public var keyProof: Fingerprint?

  /// The kinds of lines.
  public enum Kind: String, Sendable, CaseIterable {
    /// A run opened the ledger.
    case open
    /// Work on a row's images begins; not synchronised, for it only serves to find rows that crash a program.
    case start
    /// A row is about to be sent.
    case intent
    /// A row takes several requests: one of them is about to be sent, or was accepted.
    case step
    /// What became of a row.
    case outcome
    /// A row in doubt was settled without sending it.
    case mark
  }

  package init(_ kind: Kind, at time: LedgerTime, key: Fingerprint? = nil) {
    self.kind = kind
    self.time = time
    self.key = key
  }

  /// The line as JSON, without numbering and checksum.
  public var json: String { String(decoding: LineBuilder.object(self), as: UTF8.self) }

  /// Whether the line only counts when it is on disk.
  var needsSync: Bool { kind != .start }
}
