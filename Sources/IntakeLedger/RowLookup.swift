public import IntakeCore
import IntakeSystem

/// Finds rows in one ledger: by what the target knows them by, under the ledger's own keys.
struct RowLookup: Sendable {
  let keys: KeyRing
  /// The receiving API as it stands in the ledger.
  let target: String
  let operation: String
  let file: any JournalFile

  /// The names that a row may have in the ledger; a new one gets the first.
  func names(of row: RowName) throws(JournalError) -> [Fingerprint] {
    try keys.names(of: row.identity, target: target, operation: operation)
  }

  /// What the ledger says about a row, nil when it doesn't know it.
  ///
  /// In a merged ledger a row may be known under any of its keys: the known one is taken.
  func state(
    of row: RowName, _ names: [Fingerprint], in index: borrowing LedgerIndex
  ) throws(JournalError) -> RowState? {
    for name in names { if let state = try index.state(of: name) { return state } }
    guard index.hasFormat1 else { return nil }
    // In format 1 the key is that of the operator's id, which the next batch may use for somebody else. The customer
    // stands beside it; where that was not the e-mail, the target knew the customer by the id.
    if let email = RowIdentity.email(in: row.identity) {
      for customer in keys.fingerprints(of: .customer, email.lowercased().utf8) {
        if let state = try index.row(of: customer, LedgerWord.encoded(operation)) { return state }
      }
      return nil
    }
    let former = try keys.names(of: row.inFormat1, target: target, operation: operation)
    for name in former { if let state = try index.state(of: name) { return state } }
    return nil
  }
}

/// Another ledger of the same target, whose accepted rows count: it is only read.
///
/// A run shares its lock, because what another run added meanwhile would be sent again; a rehearsal doesn't.
struct ConsultedLedger: Sendable {
  let lookup: RowLookup
  let index: LedgerIndex

  /// Opens or reads a ledger that is consulted; an error says that it is, and how to go without.
  static func explaining<Result>(_ body: () throws(JournalError) -> Result) throws(JournalError)
    -> Result
  {
    do throws(JournalError) {
      return try body()
    } catch {
      // Going without one that is in use would send its rows again.
      let way = error.isInUse ? "" : "; with --ledger PATH it looks at no other"
      throw JournalError(
        "\(error) (this run counts what that ledger says\(way))", line: error.line,
        isInUse: error.isInUse)
    }
  }

  /// Reads a ledger; nil for an empty one, as a run leaves that was refused at its start.
  ///
  /// - Throws: `JournalError` when it is damaged, is about another target, or its keys are not there.
  init?(_ file: any JournalFile, _ settings: LedgerSettings) throws(JournalError) {
    let size = try JournalError.explaining("ledger \(file.path) cannot be read", try file.size())
    guard size > 0 else { return nil }
    let ledger = try LedgerReader(
      file, keepsStates: false, sharedKeys: { _ in settings.sharedKeys })
    let target = LedgerWord.encoded(settings.target, limit: 512)
    try ledger.check(target: target)
    lookup = RowLookup(
      keys: try ledger.keys(), target: target, operation: settings.operation ?? "",
      file: ledger.file)
    index = ledger.index
  }

  func state(of row: RowName) throws(JournalError) -> RowState? {
    try lookup.state(of: row, lookup.names(of: row), in: index)
  }
}

/// A row as a ledger knew it at the moment it was looked up.
struct RowSnapshot: KnownRow {
  let key: RowKey
  private var state: RowState?
  /// The ledger that knows it.
  private var lookup: RowLookup
  let wasSentInThisRun: Bool

  /// - Parameter run: the run that has the ledger open, nil where nobody writes.
  init(_ name: Fingerprint, _ state: RowState?, in lookup: RowLookup, run: UInt32?) {
    key = RowKey(name.description)
    (self.state, self.lookup) = (state, lookup)
    wasSentInThisRun = run.flatMap { run in state?.wasSent(in: run) } ?? false
  }

  /// The row as the ledger knows it, or as another one does that knows better.
  ///
  /// The last acceptance counts; a doubt counts until the row is sent or settled here.
  func considering(_ others: [ConsultedLedger], _ row: RowName) throws(JournalError) -> RowSnapshot
  {
    var best = self
    for other in others where !wasSentInThisRun {
      guard let state = try other.state(of: row), best.isOutdone(by: state) else { continue }
      (best.state, best.lookup) = (state, other.lookup)
    }
    return best
  }

  private var lastTime: UTCTime { state?.lastTime ?? .distantPast }

  private func isOutdone(by other: RowState) -> Bool {
    switch (standing, other.standing) {
    case (.inDoubt, _): return false
    case (.accepted, .accepted):
      return state?.accepted ?? .distantPast < other.accepted ?? .distantPast
    case (_, .accepted):
      let wasMarked = state?.isMarkedNotAccepted ?? false
      return !wasMarked || lastTime <= other.accepted ?? .distantPast
    case (.accepted, _): return false
    case (_, .inDoubt):
      // A row that was refused before it was sent says nothing about an attempt elsewhere.
      let isSettled = state.map { $0.wasTried || $0.isMarkedNotAccepted } ?? false
      return !isSettled || lastTime < other.lastTime
    default: return false
    }
  }

  /// Read from the file on demand: few rows need it.
  var lastOutcome: Outcome? {
    guard let state, state.standing != .accepted, let offset = state.outcomeOffset else {
      return nil
    }
    return LedgerRecord(at: offset, of: lookup.file).flatMap(Outcome.init(recorded:))
  }

  var standing: Standing { state?.standing ?? .unknown }

  /// A second more than the line says: the ledger keeps whole seconds.
  var lastWritten: UnixTime? { state.map { $0.lastTime.seconds + 1 } }

  var accepted: UnixTime? { state?.accepted?.seconds }

  /// Read from the file: only changed rows need it.
  func hadAnotherLabel(than label: String) -> Bool {
    guard let offset = state?.outcomeOffset,
      let known = LedgerRecord(at: offset, of: lookup.file)?.label
    else { return false }
    return !lookup.keys.fingerprints(of: .label, label.utf8).contains(known)
  }

  var crashes: Int { Int(state?.starts ?? 0) }

  func isUnchanged(_ submission: Submission) -> Bool {
    guard let state else { return false }
    return lookup.keys.digests(of: submission).contains { state.has(digest: $0) }
  }

  func endedDecoder(with origin: RowOrigin) -> Bool {
    guard let files = origin.files, let deadly = state?.deadlyFiles else { return false }
    return isSame(deadly, .files, files)
  }

  func change(to origin: RowOrigin) -> RowChange {
    guard let known = state?.origin, known.cells != 0 else { return .none }
    guard !known.isOfFormat1 else {
      return isSame(known.cells, .source, origin.inFormat1()) ? .none : .content
    }
    guard isSame(known.cells, .cells, origin.cells) else { return .content }
    guard let files = origin.files, known.files != 0, !isSame(known.files, .files, files) else {
      return .none
    }
    guard let images = origin.images else { return .perhapsImages }
    return isSame(known.images, .images, images) ? .none : .content
  }

  private func isSame(
    _ known: UInt32, _ part: KeyRing.Purpose, _ bytes: Personal<[UInt8]>
  ) -> Bool {
    lookup.keys.fingerprints(of: part, bytes.exposed).contains { $0.short == known }
  }

  func stepsDone(of submission: Submission) -> Set<Int> {
    guard let state, state.stepsDone != 0, isUnchanged(submission) else { return [] }
    return Set((0..<8).filter { state.stepsDone & 1 << UInt8($0) != 0 })
  }
}

extension UTCTime {
  fileprivate static let distantPast = UTCTime(seconds: -.infinity)
}

/// Ledgers as they are now, not locked: what a rehearsal knows about the rows.
public struct LedgerGlance: LedgerView {
  /// None.
  public let notices: [String] = []
  private let first: ConsultedLedger
  private let others: [ConsultedLedger]

  /// Reads the ledger and the consulted ones; nil when there is none.
  ///
  /// - Throws: `JournalError` with line, reason and next step when one cannot be read.
  public static func read(_ settings: LedgerSettings) async throws(JournalError) -> LedgerGlance? {
    try await onOwnThread { () throws(JournalError) in
      func read(_ path: String) throws(JournalError) -> ConsultedLedger? {
        try ConsultedLedger(LedgerFile.openForReading(path), settings)
      }
      let own = DurableFile.exists(settings.path) ? try read(settings.path) : nil
      let others = try settings.consulted.map { path throws(JournalError) in
        try ConsultedLedger.explaining { () throws(JournalError) in try read(path) }
      }
      let ledgers = ([own] + others).compactMap(\.self)
      guard let first = ledgers.first else { return nil }
      return LedgerGlance(first: first, others: Array(ledgers.dropFirst()))
    }
  }

  /// What the ledgers say about a row.
  public func row(for name: RowName) throws(JournalError) -> any KnownRow {
    let names = try first.lookup.names(of: name)
    let state = try first.lookup.state(of: name, names, in: first.index)
    return try RowSnapshot(state?.key ?? names[0], state, in: first.lookup, run: nil)
      .considering(others, name)
  }
}
