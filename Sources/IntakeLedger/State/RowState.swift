import IntakeCore

/// What the ledger says about one row, in 64 bytes: a million rows are kept in memory.
struct RowState {
  /// The row.
  let key: Fingerprint
  /// The content of the last attempt, once there was one.
  private(set) var digest = Fingerprint(high: 0, low: 0)
  /// Where the outcome that made the standing begins in the file.
  private(set) var outcomeOffset = 0
  /// When the last line about it was written, in seconds since 1970.
  private var lastSeconds: UInt32 = 0
  /// The run that sent the row last.
  private var run: UInt32 = 0
  /// The last outcome in short, to see whether another says anything new.
  private(set) var gist: UInt32 = 0
  /// What the row was made of at the last attempt, in short; 0 when that was not kept.
  private(set) var sourceMark: UInt32 = 0
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
  }

  init(key: Fingerprint) { self.key = key }

  /// What counts for the next run.
  var standing: Standing {
    if flags.contains(.accepted) { return .accepted }
    if !flags.isDisjoint(with: [.open, .openBefore]) { return .inDoubt }
    return flags.contains(.notAccepted) ? .notAccepted : .unknown
  }

  /// Whether the row was sent and its outcome is still to be written.
  func isInFlight(in run: Int) -> Bool {
    flags.contains(.open) && self.run == UInt32(clamping: run)
  }

  /// Whether the last attempt had that content.
  func has(digest: Fingerprint) -> Bool { flags.contains(.hasDigest) && self.digest == digest }

  /// Whether an outcome of the row is in the ledger.
  var hasOutcome: Bool { flags.contains(.hasOutcome) }

  /// Whether it is in doubt and nobody wrote why: being sent, or killed while it was.
  var isUnanswered: Bool { flags.contains(.sending) && standing == .inDoubt }

  /// When the last line about it was written.
  var lastTime: LedgerTime { LedgerTime(seconds: Int(lastSeconds)) }

  /// Takes what a line says about the row.
  mutating func apply(_ record: LedgerRecord, at offset: Int, run: Int) {
    lastSeconds = UInt32(clamping: record.time.seconds)
    switch record.kind {
    case .open: break
    case .start: starts = starts == .max ? .max : starts + 1
    case .intent: intend(record, UInt32(clamping: run))
    case .step: take(step: record, UInt32(clamping: run))
    case .outcome: end(record, offset, UInt32(clamping: run))
    case .mark: settle(record)
    }
  }

  private mutating func intend(_ record: LedgerRecord, _ run: UInt32) {
    open(run)
    // The request itself goes out again, so whatever follows it will too.
    stepsDone = 0
    sourceMark = record.source?.mark ?? 0
    guard let digest = record.digest else { return }
    self.digest = digest
    flags.insert(.hasDigest)
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
  private mutating func take(step record: LedgerRecord, _ run: UInt32) {
    guard record.verdict == StepState.accepted.rawValue else { return open(run) }
    flags.remove([.open, .openBefore])
    flags.insert(.notAccepted)
    stepsDone |= 1 << UInt8(clamping: min(record.step ?? 0, 7))
  }

  /// An outcome ends the attempts of its own run; those of earlier runs stay open unless it is `accepted`.
  ///
  /// A row that was not even sent this time says nothing about what the target has.
  private mutating func end(_ record: LedgerRecord, _ offset: Int, _ run: UInt32) {
    // A quarantined row was not worked on: what crashed the program twice would crash it again.
    if record.code != FailureCode.quarantined.rawValue { starts = 0 }
    gist = record.gist
    // A bad row may carry the id of one that is on its way: only an outcome of an attempt ends an attempt.
    let wasSent = flags.contains(.open) && self.run == run && (record.attempt ?? 0) > 0
    let before = standing
    let wasUnanswered = isUnanswered
    switch Verdict(rawValue: record.verdict ?? "") {
    case .accepted:
      flags.remove([.open, .openBefore, .notAccepted])
      flags.insert(.accepted)
    case .rejected, .failed:
      if wasSent { flags.remove(.open) }
      if !flags.contains(.accepted) { flags.insert(.notAccepted) }
    case .inDoubt:
      if !wasSent, before != .accepted { flags.insert(.openBefore) }
    case .skipped, nil: return
    }
    let explainsDoubt = wasUnanswered && record.verdict == Verdict.inDoubt.rawValue
    guard
      wasSent || explainsDoubt || standing != before || before == .unknown || before == .notAccepted
    else { return }
    outcomeOffset = offset
    flags.insert(.hasOutcome)
    flags.remove(.sending)
  }

  private mutating func settle(_ record: LedgerRecord) {
    flags.remove([.open, .openBefore, .accepted, .notAccepted, .sending])
    stepsDone = 0
    flags.insert(record.verdict == Settled.accepted.rawValue ? .accepted : .notAccepted)
  }
}

extension Fingerprint {
  /// The fingerprint in short, never 0: enough for a notice, with a chance of 1 in 4 billion to miss one.
  var mark: UInt32 { max(1, UInt32(truncatingIfNeeded: low)) }
}

extension LedgerRecord {
  /// The parts of an outcome that a repeated run would repeat, as a hash.
  var gist: UInt32 {
    // FNV-1a with a mark between the parts; it is made for every outcome that is read.
    var hash: UInt32 = 0x811C_9DC5
    func mix(_ byte: UInt8) { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    func mix(_ text: String?) {
      for byte in (text ?? "").utf8 { mix(byte) }
      mix(0)
    }
    mix(verdict)
    mix(stage)
    mix(code)
    mix(column)
    mix(side)
    mix(UInt8(truncatingIfNeeded: http ?? 0))
    mix(UInt8(truncatingIfNeeded: (http ?? 0) >> 8))
    return hash
  }
}
