package import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One run that a ledger knows of, from the lines that it opened and closed the ledger with.
package struct LedgerRun: Sendable, Equatable {
  /// Which run of the ledger it is, from 1.
  package let number: Int
  /// When it began.
  package let start: UTCTime
  /// Name and version of the program.
  package let tool: String?
  /// The part of the manifest that it took, `i/n`; nil for all of it.
  package let shard: String?
  /// What it was told to do differently, such as `only=failed`; nil for nothing.
  package let options: String?
  /// SHA-256 of the manifest that it read and of its plan in hexadecimal; nil where it came through a pipe.
  package let manifest: String?
  package let plan: String?
  /// How it ended.
  package let ending: Ending
  /// When it ended, nil where nothing says so.
  package let end: UTCTime?
  /// Rows by verdict, as it counted them at its end.
  package let rows: [Verdict: Int]
  /// Rows among the skipped ones that were changed after they had been accepted.
  package let changed: Int

  /// How a run ended.
  package enum Ending: String, Sendable {
    /// It came to the end of its manifest.
    case complete
    /// It stopped before, and said so.
    case stopped
    /// It did not come to write its end.
    case killed
    /// It is at work: the process that began it is there.
    case running
    /// A line of format 1, in which runs did not write their ends.
    case unknown
  }

  package init(_ number: Int, _ open: LedgerRecord, _ close: LedgerRecord?) {
    self.number = number
    start = open.time
    (tool, shard) = (open.tool, open.shard)
    (manifest, plan) = (open.manifest, open.plan)
    options = open.note.map { PercentText.decoded($0) }
    end = close?.time
    rows = [
      .accepted: close?.accepted, .rejected: close?.rejected, .failed: close?.failed,
      .inDoubt: close?.doubt, .skipped: close?.skipped,
    ].compactMapValues(\.self)
    changed = close?.changed ?? 0
    if let word = close?.end {
      ending = word == LedgerRecord.complete ? .complete : .stopped
    } else if open.version == 1 {
      ending = .unknown
    } else {
      ending = LedgerRun.isAlive(open) ? .running : .killed
    }
  }

  /// Whether it came to its end and had no row to work on.
  package var hadNothingToDo: Bool {
    ending == .complete && changed == 0 && rows.keys.allSatisfy { $0 == .skipped }
  }

  /// Whether the process that wrote a line is still there, as far as this machine can tell.
  ///
  /// Asking for the ledger's lock instead would make a run fail that starts at this very moment.
  private static func isAlive(_ open: LedgerRecord) -> Bool {
    guard open.host == LedgerWord.encoded(LedgerOpening.hostName()),
      let process = open.process.flatMap({ pid_t(exactly: $0) }), process > 0
    else { return false }
    return kill(process, 0) == 0 || errno == EPERM
  }
}
