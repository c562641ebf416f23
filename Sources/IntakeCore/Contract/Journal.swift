/// Keeps the ledger: opens it and hands it to the engine.
public protocol Journal: Plugin {
  /// Opens the ledger, once, after `prepare`; a `JournalError` ends the run with exit code 6.
  func open(for target: String, operation: String) async throws -> any OpenLedger

  /// Reads the ledger as it is, for a rehearsal: nothing is locked, written or made; nil when there is none.
  ///
  /// - Throws: `JournalError` when the ledger cannot be read.
  func look(for target: String, operation: String) async throws -> (any LedgerView)?
}

extension Journal {
  /// No ledger that a rehearsal could look at.
  public func look(for target: String, operation: String) async throws -> (any LedgerView)? { nil }
}

/// What a ledger says about rows.
public protocol LedgerView: Sendable {
  /// What the operator should know about the ledger: a torn end that was cut, a disk that locks badly.
  var notices: [String] { get }

  /// What the ledger says about a row, looked up once; ask again only after the target was asked.
  ///
  /// - Throws: `JournalError` when the row's key cannot be made: then nothing may be sent for it.
  func row(for name: RowName) throws(JournalError) -> any KnownRow
}

/// A ledger that is open for writing; what is not open cannot be written.
public protocol OpenLedger: LedgerView {
  /// Writes down that a row is about to be sent; returns when that is on disk.
  func intend(_ submission: Submission, for key: RowKey, attempt: Int) async throws(JournalError)

  /// Writes down that a follow-up is about to be sent; returns when that is on disk.
  func begin(_ step: Int, of submission: Submission, for key: RowKey) async throws(JournalError)

  /// Writes down that the target has a step; returns when that is on disk.
  func complete(_ step: Int, of submission: Submission, for key: RowKey) async throws(JournalError)

  /// Settles a row in doubt without sending it; on disk before the row is sent again.
  ///
  /// Without it an earlier attempt stays in doubt whatever a later one brings, unless that is `accepted`.
  func settle(_ key: RowKey, as settlement: Settlement) async throws(JournalError)

  /// Writes down what became of a row; returns when that is on disk.
  func record(_ outcome: Outcome) async throws(JournalError)

  /// Writes down that the run ended by itself, and with what result; returns when that is on disk.
  func end(_ run: RunEnd) async throws(JournalError)

  /// Writes what is waiting and gives the file back; nothing can be written afterwards.
  func close() async
}

/// One row as the ledger knows it: a value that was looked up once and does not change.
public protocol KnownRow: Sendable {
  /// The row's name in the ledger.
  var key: RowKey { get }

  /// How earlier runs left the row.
  var standing: Standing { get }

  /// The latest time at which the last line about the row can have been written, nil when there is none.
  var lastWritten: UnixTime? { get }

  /// How often the program crashed while it worked on this row, with no outcome since.
  var crashes: Int { get }

  /// The outcome behind the standing of a row that is in doubt or not accepted: codes and numbers, no detail.
  var lastOutcome: Outcome? { get }

  /// Whether the last attempt sent this very content.
  func isUnchanged(_ submission: Submission) -> Bool

  /// How the row's content compares with its last attempt; what the ledger does not know counts as unchanged.
  func change(to origin: RowOrigin) -> RowChange

  /// Whether decoding one of these very scans ended its process, so that they are left alone.
  func endedDecoder(with origin: RowOrigin) -> Bool

  /// When it was accepted, nil when it was not.
  var accepted: UnixTime? { get }

  /// Whether the operator called it something else (`id`, else `reference`) when it was accepted; false if unknown.
  func hadAnotherLabel(than label: String) -> Bool

  /// Whether this run had already sent it when the row was looked up.
  var wasSentInThisRun: Bool { get }

  /// The steps of this very content that the target has: 0 is the request itself, 1 its first follow-up.
  func stepsDone(of submission: Submission) -> Set<Int>
}

extension KnownRow {
  /// No scan is known to end a process.
  public func endedDecoder(with origin: RowOrigin) -> Bool { false }

  /// No other name is known.
  public func hadAnotherLabel(than label: String) -> Bool { false }
}

/// How earlier runs left a row.
public enum Standing: Sendable, Equatable {
  /// Never sent.
  case unknown
  /// Accepted: not sent again.
  case accepted
  /// Refused, or failed without being sent: sent again when its content or the run asks for it.
  case notAccepted
  /// Sent without an answer on disk.
  case inDoubt
}

/// A ledger that cannot be used or written: the run stops, and nothing more is sent.
public struct JournalError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong and what to do about it.
  public let description: String

  /// The line at fault, counted from 1; nil when no line is.
  public let line: Int?

  /// Whether another process has the ledger: it may be free later.
  public let isInUse: Bool

  /// Describes what is wrong and what to do about it.
  public init(_ description: String, line: Int? = nil, isInUse: Bool = false) {
    self.description = description
    self.line = line
    self.isInUse = isInUse
  }
}

/// How a run ended, unless it was killed.
public struct RunEnd: Sendable, Equatable {
  /// Rows by verdict.
  public var rows: [Verdict: Int]
  /// Rows among the skipped ones that were changed after they had been accepted.
  public var changed: Int
  /// Whether it came to the end of the manifest.
  public var isComplete: Bool

  /// Describes the end of a run.
  public init(rows: [Verdict: Int] = [:], changed: Int = 0, isComplete: Bool) {
    self.rows = rows
    self.changed = changed
    self.isComplete = isComplete
  }
}
