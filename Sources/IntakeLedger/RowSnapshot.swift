import IntakeCore

/// A row as an open ledger knew it at the moment it was looked up.
struct RowSnapshot: KnownRow {
  let key: RowKey
  let lastOutcome: Outcome?
  private let state: RowState?
  private let keys: KeyRing

  /// Reads the last outcome from the file where it can still decide something: accepted rows have none.
  init(_ name: Fingerprint, _ state: RowState?, _ keys: KeyRing, _ file: any JournalFile) {
    key = RowKey(name.description)
    self.state = state
    self.keys = keys
    if let state, state.hasOutcome, state.standing != .accepted {
      lastOutcome = LedgerRecord(at: state.outcomeOffset, of: file)
        .flatMap(Outcome.init(recorded:))
    } else {
      lastOutcome = nil
    }
  }

  var standing: Standing { state?.standing ?? .unknown }

  /// A second more than the line says, because the ledger keeps whole seconds.
  var lastWritten: UnixTime? { state.map { Double($0.lastTime.seconds + 1) } }

  var crashes: Int { Int(state?.starts ?? 0) }

  func isUnchanged(_ submission: Submission) -> Bool {
    guard let state, let content = try? ContentDigest.make(submission) else { return false }
    return keys.digests(of: content).contains { state.has(digest: $0) }
  }

  func isChanged(_ source: Personal<[UInt8]>) -> Bool {
    guard let state, state.sourceMark != 0 else { return false }
    return !keys.sources(source.exposed).contains { $0.mark == state.sourceMark }
  }

  func stepsDone(of submission: Submission) -> Set<Int> {
    guard let state, isUnchanged(submission) else { return [] }
    return Set((0..<8).filter { state.stepsDone & 1 << UInt8($0) != 0 })
  }
}
