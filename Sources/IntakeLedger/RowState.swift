import IntakeCore

/// What the ledger says about one row, in 80 bytes.
struct RowState {
  let key: Fingerprint
  /// The content of the last attempt, once there was one.
  private(set) var digest = Fingerprint(high: 0, low: 0)
  private var offset = 0
  /// Where the last intent begins in the file; 0 when it and its outcome don't say all that counts.
  private var intentOffset = 0
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
    /// The last thing that happened to the row is an attempt.
    static let sending = Flags(rawValue: 64)
    /// One of the scans in `origin` ended the process that decoded it; nothing of them was sent.
    static let deadly = Flags(rawValue: 128)
  }

  /// Short fingerprints of what a row was made of; 0 for what was not kept.
  struct OriginPrint {
    /// In format 1 the cells and the sizes of the scans.
    var cells: UInt32 = 0
    var files: UInt32 = 0
    var images: UInt32 = 0
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

  /// Whether there was an attempt.
  var wasTried: Bool { flags.contains(.hasDigest) }

  /// Whether somebody said that the target doesn't have it, and no outcome was ever written.
  var isMarkedNotAccepted: Bool {
    flags.contains(.notAccepted) && !flags.contains(.hasOutcome)
  }

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
    case .intent(let intent):
      intend(intent, run)
      intentOffset = offset
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
    if self.run != run { intentOffset = 0 }
    self.run = run
  }

  /// A step that is done leaves the row unfinished, with the rest still to send, until its outcome says otherwise.
  private mutating func take(step: Int, _ isDone: Bool, _ run: UInt32) {
    guard isDone else { return open(run) }
    flags.remove([.open, .openBefore])
    flags.insert(.notAccepted)
    stepsDone |= 1 << UInt8(clamping: min(step, 7))
  }

  /// An outcome ends the attempts of its own run; those of earlier runs stay open unless it is `accepted`.
  ///
  /// A row that was not sent this time says nothing about what the target has.
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
    // What a row was made of no longer matters once the target has refused it.
    if end.deadlyFiles != 0, standing == .notAccepted {
      origin.files = end.deadlyFiles
      intentOffset = 0
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
    intentOffset = 0
    flags.remove([.open, .openBefore, .accepted, .notAccepted, .sending])
    stepsDone = 0
    flags.insert(isAccepted ? .accepted : .notAccepted)
    if isAccepted { acceptedSeconds = lastSeconds }
  }
}

// Accepted rows that can be read again from two lines.
extension RowState {
  /// The two lines that say everything about a row, and the steps done between them: 36, 20 and 8 bits of a number.
  struct Place: BitwiseCopyable {
    let packed: UInt64
    private static let distanceLimit = 1 << 20

    init(packed: UInt64) { self.packed = packed }

    /// Nil beyond the first 64 GiB of a ledger, and for an outcome more than 1 MiB behind its intent.
    init?(intent: Int, outcome: Int, steps: UInt8) {
      let distance = outcome - intent
      guard 1..<1 << 36 ~= intent, 1..<Place.distanceLimit ~= distance else { return nil }
      packed = UInt64(intent) << 28 | UInt64(distance) << 8 | UInt64(steps)
    }

    var intent: Int { Int(packed >> 28) }
    var outcome: Int { intent + Int(packed >> 8) & (Place.distanceLimit - 1) }
    var steps: UInt8 { UInt8(truncatingIfNeeded: packed) }
  }

  /// Where its two lines are; nil for a row that isn't accepted, or about which they don't say all.
  var place: Place? {
    guard flags == [.accepted, .hasDigest, .hasOutcome], starts == 0, !origin.isOfFormat1 else {
      return nil
    }
    return Place(intent: intentOffset, outcome: offset, steps: stepsDone)
  }

  /// What the two lines at a place say, nil when they are not those of an accepted row.
  init?(of intent: StateLine, _ outcome: StateLine, at place: Place, run: UInt32) {
    guard let key = intent.key, outcome.key == key else { return nil }
    self.init(key: key)
    apply(intent, at: place.intent, run: run)
    apply(outcome, at: place.outcome, run: run)
    stepsDone = place.steps
    guard self.place?.packed == place.packed else { return nil }
  }
}
