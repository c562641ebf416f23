/// Keeps the ledger, on which the engine relies: what became of a row before, and what is about to be sent.
public protocol Journal: Plugin {
  /// Opens the ledger for a target and an operation; called once, after `prepare`.
  ///
  /// - Throws: `JournalError` when the ledger cannot be used: the run ends with exit code 6.
  func open(for target: String, operation: String) async throws

  /// What the operator should know about the opening: a torn end that was cut, a disk that locks badly.
  var notices: [String] { get }

  /// The row's key in this ledger.
  func key(for identity: Personal<[UInt8]>) -> RowKey

  /// What the ledger says about a row.
  func standing(of key: RowKey) async -> Standing

  /// Writes down that a row is about to be sent; returns when that is on disk.
  func intend(_ submission: Submission, for key: RowKey, attempt: Int) async throws

  /// The steps of this very submission that the target has: 0 is the request itself, 1 its first follow-up.
  ///
  /// Empty when the content has changed since: then all of them are sent again.
  func stepsDone(of submission: Submission, for key: RowKey) async -> Set<Int>

  /// Writes down that a follow-up is about to be sent; returns when that is on disk.
  func begin(_ step: Int, of submission: Submission, for key: RowKey) async throws

  /// Writes down that the target has a step; returns when that is on disk.
  func complete(_ step: Int, of submission: Submission, for key: RowKey) async throws

  /// Whether the ledger's last attempt of that row had the same content.
  func isUnchanged(_ submission: Submission, for key: RowKey) async -> Bool

  /// Whether the row was made of something else when it was sent last; false where the ledger does not know.
  func isChanged(_ source: Personal<[UInt8]>, for key: RowKey) async -> Bool

  /// When the ledger's last line about a row was written, nil when there is none.
  func lastWritten(_ key: RowKey) async -> UnixTime?

  /// How often the program crashed while it worked on this row and nothing came of it since.
  func crashes(of key: RowKey) async -> Int

  /// Settles a row in doubt without sending it; must be on disk before the row is sent again.
  ///
  /// Without it an earlier attempt stays in doubt whatever a later one is told, but for `accepted`.
  func settle(_ key: RowKey, as settlement: Settlement) async throws

  /// Writes one outcome; returns when it is safe on disk.
  func record(_ outcome: Outcome) async throws

  /// The outcome that made the row's standing, as far as the ledger keeps it: codes and numbers, no detail.
  func lastOutcome(of key: RowKey) async -> Outcome?
}

// For journals that keep only what they must.
extension Journal {
  /// There is nothing to tell.
  public var notices: [String] { [] }
  /// Steps are not kept: all of them are sent again.
  public func stepsDone(of submission: Submission, for key: RowKey) async -> Set<Int> { [] }
  /// Steps are not kept.
  public func begin(_ step: Int, of submission: Submission, for key: RowKey) async throws {}
  /// Steps are not kept.
  public func complete(_ step: Int, of submission: Submission, for key: RowKey) async throws {}
  /// Nobody knows what rows were made of.
  public func isChanged(_ source: Personal<[UInt8]>, for key: RowKey) async -> Bool { false }
  /// Times are not kept.
  public func lastWritten(_ key: RowKey) async -> UnixTime? { nil }
  /// Crashes are not noted.
  public func crashes(of key: RowKey) async -> Int { 0 }
  /// Rows in doubt stay in doubt.
  public func settle(_ key: RowKey, as settlement: Settlement) async throws {}
  /// Outcomes are not kept.
  public func lastOutcome(of key: RowKey) async -> Outcome? { nil }
}

/// What earlier runs left of a row.
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

  /// The line at fault, counted from 1; nil when it is none.
  public let line: Int?

  /// Describes what is wrong and what to do about it.
  public init(_ description: String, line: Int? = nil) {
    self.description = description
    self.line = line
  }
}
