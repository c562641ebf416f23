package import IntakeCore

/// What the ledger says about one row, in 72 bytes: a million rows are kept in memory.
struct RowState {
  /// The row.
  let key: Fingerprint
  /// The content of the last attempt, once there was one.
  private(set) var digest = Fingerprint(high: 0, low: 0)
  private var offset = 0
  private var lastSeconds: UInt32 = 0
  /// The run that sent the row last.
  private var run: UInt32 = 0
  /// The hash of the last outcome, to see whether another says anything new.
  private(set) var outcomeHash: UInt32 = 0
  /// When it was accepted last, in seconds since 1970.
  private var acceptedSeconds: UInt32 = 0
  /// What the row was made of at the last attempt.
  private(set) var origin = OriginPrint()
  /// Starts without an end.
  private(set) var starts: UInt8 = 0
  /// The steps of the last attempt's request that the target has, a bit each; bit 0 is the request itself.
  private(set) var stepsDone: UInt8 = 0
  private var flags: Flags = []

  private struct Flags: OptionSet {
    let rawValue: UInt8
    static let accepted = Flags(rawValue: 1)
    static let notAccepted = Flags(rawValue: 2)
    /// An attempt of the run `run` is without an answer.
    static let open = Flags(rawValue: 4)
    /// An attempt of a run before that is without an answer.
    static let openBefore = Flags(rawValue: 8)
    static let hasDigest = Flags(rawValue: 16)
    static let hasOutcome = Flags(rawValue: 32)
    /// The last that happened to the row is an attempt.
    static let sending = Flags(rawValue: 64)
    /// One of the scans in `origin` ended the process that decoded it; nothing of them was sent.
    static let deadly = Flags(rawValue: 128)
  }

  /// The fingerprints of what a row was made of, in short; 0 for what was not kept.
  struct OriginPrint {
    /// In format 1 the cells and the sizes of the scans.
    var cells: UInt32 = 0
    var files: UInt32 = 0
    var images: UInt32 = 0
    /// Whether an intent of format 1 said it.
    var isOfFormat1 = false
  }

  init(key: Fingerprint) { self.key = key }

  /// What counts for the next run.
  var standing: Standing {
    if flags.contains(.accepted) { return .accepted }
    if !flags.isDisjoint(with: [.open, .openBefore]) { return .inDoubt }
    return flags.contains(.notAccepted) ? .notAccepted : .unknown
  }

  /// Whether the row was sent and its outcome is still to be written.
  func isInFlight(in run: UInt32) -> Bool { flags.contains(.open) && self.run == run }

  /// Whether the last attempt had that content.
  func has(digest: Fingerprint) -> Bool { flags.contains(.hasDigest) && self.digest == digest }

  /// Where the outcome that made the standing begins in the file, nil when there is none.
  var outcomeOffset: Int? { flags.contains(.hasOutcome) ? offset : nil }

  /// Whether it is in doubt and nobody wrote why: being sent, or killed while it was.
  var isUnanswered: Bool { flags.contains(.sending) && standing == .inDoubt }

  /// The fingerprint of its scans if one of them ended the process that decoded it, in short.
  var deadlyFiles: UInt32? { flags.contains(.deadly) ? origin.files : nil }

  /// When the last line about it was written.
  var lastTime: UTCTime { UTCTime(seconds: Double(lastSeconds)) }

  /// When it was accepted, nil for a row that is not.
  var accepted: UTCTime? {
    standing == .accepted ? UTCTime(seconds: Double(acceptedSeconds)) : nil
  }

  /// Whether that run sent it.
  func wasSent(in run: UInt32) -> Bool { run > 0 && self.run == run }

  /// Takes what a line says about the row.
  mutating func apply(_ line: StateLine, at offset: Int, run: UInt32) {
    lastSeconds = line.seconds
    switch line.event {
    case .open, .close: break
    case .start: starts = starts == .max ? .max : starts + 1
    case .intent(let intent): intend(intent, run)
    case .step(let number, let isDone): take(step: number, isDone, run)
    case .outcome(let end): take(end, offset, run)
    case .mark(let isAccepted): settle(isAccepted)
    }
  }

  private mutating func intend(_ intent: StateLine.Intent, _ run: UInt32) {
    open(run)
    // The request itself goes out again, so whatever follows it will too.
    stepsDone = 0
    (origin, digest) = (intent.origin, intent.digest)
    flags.insert(.hasDigest)
    flags.remove(.deadly)
  }

  private mutating func open(_ run: UInt32) {
    starts = 0
    // Within a run the runner knows what became of the attempt before; over runs nobody does.
    if flags.contains(.open), self.run != run { flags.insert(.openBefore) }
    flags.insert([.open, .sending])
    flags.remove([.accepted, .notAccepted])
    self.run = run
  }

  /// A step that is done leaves the row unfinished until its outcome says otherwise: the rest may be sent.
  private mutating func take(step: Int, _ isDone: Bool, _ run: UInt32) {
    guard isDone else { return open(run) }
    flags.remove([.open, .openBefore])
    flags.insert(.notAccepted)
    stepsDone |= 1 << UInt8(clamping: min(step, 7))
  }

  /// An outcome ends the attempts of its own run; those of earlier runs stay open unless it is `accepted`.
  ///
  /// A row that was not even sent this time says nothing about what the target has.
  private mutating func take(_ end: StateLine.End, _ offset: Int, _ run: UInt32) {
    // A quarantined row was not worked on: what crashed the program twice would crash it again.
    if !end.isQuarantined { starts = 0 }
    outcomeHash = end.hash
    // A bad row may carry the id of one that is on its way: only an outcome of an attempt ends an attempt.
    let wasSent = isInFlight(in: run) && end.wasSent
    let (before, wasUnanswered) = (standing, isUnanswered)
    switch end.verdict {
    case .accepted:
      flags.remove([.open, .openBefore, .notAccepted])
      flags.insert(.accepted)
      acceptedSeconds = lastSeconds
    case .rejected, .failed:
      if wasSent { flags.remove(.open) }
      if !flags.contains(.accepted) { flags.insert(.notAccepted) }
    case .inDoubt:
      if !wasSent, before != .accepted { flags.insert(.openBefore) }
    case .skipped: return
    }
    flags.remove(.deadly)
    // What a row was made of matters no more once the target has refused it; else it does.
    if end.deadlyFiles != 0, standing == .notAccepted {
      origin.files = end.deadlyFiles
      flags.insert(.deadly)
    }
    let explainsDoubt = wasUnanswered && end.verdict == .inDoubt
    guard
      wasSent || explainsDoubt || standing != before || before == .unknown || before == .notAccepted
    else { return }
    self.offset = offset
    flags.insert(.hasOutcome)
    flags.remove(.sending)
  }

  private mutating func settle(_ isAccepted: Bool) {
    flags.remove([.open, .openBefore, .accepted, .notAccepted, .sending])
    stepsDone = 0
    flags.insert(isAccepted ? .accepted : .notAccepted)
    if isAccepted { acceptedSeconds = lastSeconds }
  }
}

/// The state of every row of a ledger, found by key.
///
/// A table of slots over one list of states instead of a dictionary: 72 to 80 bytes a row, no moment at
/// which two tables of all rows exist, and no hashing, because a key is made of random bits already.
package struct LedgerIndex: Sendable {
  private var rows: [RowState] = []
  /// Rows of format 1 by customer and operation: their keys say nothing about the customer.
  private var customers: [Fingerprint: Int] = [:]
  /// Positions in `rows` plus one, 0 where a slot is free; a power of two of them, at most half full.
  private var slots: [UInt32]
  /// Runs so far: how many times the ledger was opened for writing.
  private(set) var run: UInt32 = 0
  /// Rows of the present run that were sent and have no outcome yet.
  private(set) var inFlight = 0

  /// Prepares for a number of rows, so that nothing has to grow while a ledger is read.
  package init(expecting rows: Int = 0) {
    var count = 64
    while count < 2 * rows { count *= 2 }
    slots = [UInt32](repeating: 0, count: count)
    self.rows.reserveCapacity(rows)
  }

  /// Every row, in the order of appearance.
  var states: [RowState] { rows }

  subscript(key: Fingerprint) -> RowState? {
    let position = slots[slot(of: key)]
    return position == 0 ? nil : rows[Int(position) - 1]
  }

  /// Whether there are rows of format 1 that were sent.
  var hasFormat1: Bool { !customers.isEmpty }

  /// The row of format 1 of a customer and an operation, nil when none was sent.
  func row(of customer: Fingerprint, _ operation: String) -> RowState? {
    customers[customer.about(Checksums.fnv64(operation.utf8))].map { rows[$0] }
  }

  /// What is known about a row; `unknown` for a row that the ledger has never seen.
  package func standing(of key: Fingerprint) -> Standing { self[key]?.standing ?? .unknown }

  /// Takes what a record says, whose line begins at `offset`.
  package mutating func apply(_ record: LedgerRecord, at offset: Int) {
    if let line = StateLine(record) { apply(line, at: offset) }
  }

  /// Takes a line that begins at `offset`.
  mutating func apply(_ line: StateLine, at offset: Int) {
    guard let key = line.key else {
      guard case .open = line.event else { return }
      run += 1
      inFlight = 0
      return
    }
    let position = position(of: key)
    let wasInFlight = rows[position].isInFlight(in: run)
    rows[position].apply(line, at: offset, run: run)
    if case .intent(let intent) = line.event, let customer = intent.customerInFormat1 {
      customers[customer.about(line.operation)] = position
    }
    inFlight += (rows[position].isInFlight(in: run) ? 1 : 0) - (wasInFlight ? 1 : 0)
  }

  /// Where the state of a row stands in `rows`; a new one when there is none.
  private mutating func position(of key: Fingerprint) -> Int {
    let slot = slot(of: key)
    if slots[slot] != 0 { return Int(slots[slot]) - 1 }
    rows.append(RowState(key: key))
    slots[slot] = UInt32(rows.count)
    if 2 * rows.count > slots.count { grow() }
    return rows.count - 1
  }

  /// The slot that holds the key, or the free one where it belongs.
  private func slot(of key: Fingerprint) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: key.low) & mask
    while slots[slot] != 0, rows[Int(slots[slot]) - 1].key != key { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: 2 * slots.count)
    for position in rows.indices { slots[slot(of: rows[position].key)] = UInt32(position + 1) }
  }

  /// Whether an outcome says anything that the ledger doesn't say already.
  func isNews(_ outcome: LedgerRecord) -> Bool {
    guard let line = StateLine(outcome), case .outcome(let end) = line.event, let key = line.key,
      let state = self[key]
    else { return true }
    // A quarantined row keeps its starts, and every run reports that.
    let isStarted = state.starts > 0 && !end.isQuarantined
    return state.isInFlight(in: run) || isStarted || state.outcomeHash != end.hash
      || (end.verdict == .accepted && state.standing != .accepted)
  }
}

extension Fingerprint {
  /// A customer's fingerprint mixed with the hash of an operation's name.
  fileprivate func about(_ operation: UInt64?) -> Fingerprint {
    Fingerprint(high: high ^ (operation ?? Checksums.fnv64([])), low: low)
  }
}

/// How many rows a ledger knows, by standing.
package struct LedgerCounts: Sendable, Equatable {
  /// Rows that the target has.
  package private(set) var accepted = 0
  /// Rows that the target does not have: refused, failed, or never sent.
  package private(set) var notAccepted = 0
  /// Rows that were sent without an answer.
  package private(set) var inDoubt = 0
  /// Rows that were begun and neither sent nor ended.
  package private(set) var unfinished = 0

  init(_ states: some Sequence<RowState>) {
    for state in states {
      switch state.standing {
      case .accepted: accepted += 1
      case .notAccepted: notAccepted += 1
      case .inDoubt: inDoubt += 1
      case .unknown: unfinished += 1
      }
    }
  }

  /// All rows.
  package var total: Int { accepted + notAccepted + inDoubt + unfinished }
}
