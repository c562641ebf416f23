package import IntakeCore
import IntakeSystem

/// What one line of a ledger says, without its numbering and its checksum.
///
/// It has a property for each field of `LedgerFields`, such as `record.verdict`; nil where the line has no such field.
@dynamicMemberLookup
package struct LedgerRecord: Sendable {
  /// What the line is about.
  package let kind: Kind
  /// The version of the format in which it was written, which a merge keeps.
  private(set) var version = LineFormat.version
  package var time: UTCTime
  /// In any order; reading into a dictionary took twice as long.
  private var values: [(name: FieldName, value: FieldValue)] = []

  package enum Kind: String, Sendable, CaseIterable {
    /// A run opened the ledger.
    case open
    /// Work on a row's images begins; not synchronised, because it only helps to find rows that crash the program.
    case start
    /// A row is about to be sent.
    case intent
    /// One of the several requests of a row is about to be sent, or was accepted.
    case step
    /// What became of a row.
    case outcome
    /// A row in doubt was settled without sending it.
    case mark
    /// A run ended by itself; one without such a line was killed.
    case close

    /// Whether such lines have the key of a row.
    var isAboutRow: Bool { self != .open && self != .close }
  }

  package init(_ kind: Kind, at time: UTCTime, key: Fingerprint? = nil) {
    self.kind = kind
    self.time = time
    self.key = key
  }

  package subscript<Value>(
    dynamicMember field: KeyPath<LedgerFields, LedgerField<Value>>
  ) -> Value? {
    get { value(of: LedgerFields.all[keyPath: field].name).flatMap(Value.init) }
    set {
      let name = LedgerFields.all[keyPath: field].name
      values.removeAll { $0.name == name }
      if let newValue { values.append((name, newValue.fieldValue)) }
    }
  }

  private func value(of name: FieldName) -> FieldValue? {
    for index in values.indices where values[index].name == name { return values[index].value }
    return nil
  }

  /// The fields that reports show, by the names and in the order that they have there.
  package var shown: [(name: String, value: FieldValue)] {
    FieldRule.shown.compactMap { name, shown in value(of: name).map { (shown, $0) } }
  }

  /// Whether the line only counts when it is on disk.
  var needsSync: Bool { kind != .start }
}

// The line.
extension LedgerRecord {
  /// The line with its newline, and its checksum.
  func line(
    number: Int, synced: Int, after previous: UInt32
  ) -> (bytes: [UInt8], checksum: UInt32) {
    var line = "{\"v\":\(version),\"n\":\(number),\"s\":\(synced),\"t\":\"\(kind.rawValue)\""
    let rules = FieldRule.all
    for index in rules.indices {
      guard let value = value(of: rules[index].name) else { continue }
      line += ",\"\(rules[index].text)\":\(value.text)"
    }
    line += ",\"at\":\"\(time.rfc3339)\""
    var bytes = Array(line.utf8)
    let checksum = LineFormat.checksum(bytes.span, after: previous)
    bytes += ",\"c\":\"".utf8
    let digits = LineFormat.digits(of: checksum)
    for index in digits.indices { bytes.append(digits[index]) }
    bytes += "\"}\n".utf8
    return (bytes, checksum)
  }

  /// Reads the fields of a line; nil when the kind is unknown or a field that the kind needs is missing.
  init?(_ line: LineParser, _ bytes: Span<UInt8>) {
    guard let index = line.layout(bytes), let time = line.time(bytes),
      let version = line.number(line.fields.version, bytes)
    else { return nil }
    let layout = line.tables.layouts[index]
    self.init(layout.kind, at: time)
    self.version = version
    values.reserveCapacity(16)
    for rule in layout.rules {
      if let value = layout.value(of: rule, in: line, bytes) {
        values.append((rule.name, value))
      } else if rule.needed.contains(kind) {
        return nil
      }
    }
  }

  /// Reads the line that begins at an offset of a file that has been checked.
  init?(at offset: Int, of file: any JournalFile) {
    guard let bytes = try? file.read(at: offset, count: LineFormat.limit),
      let end = bytes.firstIndex(of: UInt8(ascii: "\n"))
    else { return nil }
    var parser = LineParser()
    let line = bytes.span.extracting(0..<end)
    guard parser.parse(line) else { return nil }
    self.init(parser, line)
  }
}

extension LedgerRecord: LedgerLine {}

extension LedgerRecord: Equatable {
  /// Records are equal that make the same line.
  package static func == (left: LedgerRecord, right: LedgerRecord) -> Bool {
    left.line(number: 0, synced: 0, after: 0).bytes
      == right.line(number: 0, synced: 0, after: 0).bytes
  }
}

// Runs.
extension LedgerRecord {
  /// The line of a run that begins: who uses the ledger, for what.
  init(beginOf settings: LedgerSettings, _ lookup: RowLookup) {
    self.init(.open, at: .now())
    self.tool = LedgerWord.encoded(settings.tool)
    self.target = lookup.target
    self.operation = settings.operation.map { LedgerWord.encoded($0) }
    self.shard = settings.shard.map { LedgerWord.encoded($0) }
    self.note = settings.note.map { LedgerWord.encoded($0, limit: 256) }
    self.manifest = settings.digests.manifest.map { LedgerWord.encoded($0) }
    self.plan = settings.digests.plan.map { LedgerWord.encoded($0) }
    self.host = LedgerRun.host
    self.process = LedgerRun.process
    self.keyProof = lookup.keys.proof()
  }

  /// The line of a run that ended by itself.
  init(_ run: RunEnd) {
    self.init(.close, at: .now())
    self.end = run.isComplete ? LedgerRecord.complete : LedgerRecord.stopped
    self.accepted = run.rows[.accepted]
    self.rejected = run.rows[.rejected]
    self.failed = run.rows[.failed]
    self.doubt = run.rows[.inDoubt]
    self.skipped = run.rows[.skipped]
    self.changed = run.changed > 0 ? run.changed : nil
  }

  /// The run came to the end of its manifest.
  static let complete = "complete"
  /// The run left rows for the next one.
  static let stopped = "stopped"
}

// Outcomes.
extension LedgerRecord {
  /// The part of an outcome that is kept: codes and numbers, no text that a person or a server wrote.
  init(_ outcome: Outcome, key: Fingerprint) {
    self.init(.outcome, at: .now(), key: key)
    self.attempt = outcome.attempts
    self.verdict = outcome.verdict.rawValue
    self.row = outcome.row.line
    self.stage = outcome.stage.map { LedgerWord.encoded($0) }
    self.code = (outcome.failure?.code ?? outcome.receipt?.code)?.rawValue
    self.column = (outcome.failure?.column?.description).map { LedgerWord.encoded($0) }
    self.side = outcome.failure?.side?.rawValue
    self.http = outcome.receipt?.http
    self.status = outcome.receipt?.status.map { LedgerWord.plain($0) }
    self.type = outcome.receipt?.type.map { LedgerWord.plain($0) }
    self.bytes = outcome.receipt?.bodyBytes
    let time = outcome.timings.reduce(0) { $0 + $1.milliseconds }
    self.milliseconds = time.isFinite && time < 1e15 ? Int(time.rounded()) : nil
    // The eight stages of a usual plan take 100 bytes; a plan with hundreds must not make a line too long.
    let stages = outcome.timings.prefix(16).filter { (1..<1e9).contains($0.milliseconds) }
      .map { "\(LedgerWord.encoded($0.stage, limit: 24))=\(Int($0.milliseconds))" }
    self.stages = stages.isEmpty ? nil : stages.joined(separator: ",")
    self.waited = (0.001..<1e9).contains(outcome.waited) ? Int(outcome.waited * 1000) : nil
    guard !outcome.images.isEmpty else { return }
    self.imagesBefore = outcome.images.values.reduce(0) { $0 + $1.source.bytes }
    self.imagesAfter = outcome.images.values.reduce(0) { $0 + $1.sent.bytes }
  }
}

extension Outcome {
  /// An outcome as the ledger keeps it; nil for lines of another kind.
  package init?(recorded record: LedgerRecord) {
    guard record.kind == .outcome, let verdict = Verdict(rawValue: record.verdict ?? "") else {
      return nil
    }
    self.init(
      row: RowReference(line: record.row ?? 0), key: record.key.map { RowKey($0.description) },
      verdict: verdict)
    stage = record.stage
    attempts = record.attempt ?? 0
    let code = record.code.flatMap(FailureCode.named)
    if let code, verdict != .accepted {
      failure = StageFailure(
        code, "the ledger keeps no detail", outcome: verdict.outcomeClass,
        column: record.column.flatMap { ColumnName($0) },
        side: record.side.flatMap { Side(rawValue: $0) })
    }
    guard record.bytes != nil || record.http != nil else { return }
    receipt = Receipt(
      verdict.outcomeClass, http: record.http, status: record.status, type: record.type, code: code)
    receipt?.bodyBytes = record.bytes ?? 0
  }
}

extension Verdict {
  fileprivate var outcomeClass: OutcomeClass {
    switch self {
    case .accepted, .skipped: return .accepted
    case .rejected: return .rejected
    case .failed: return .retryable(after: nil)
    case .inDoubt: return .inDoubt
    }
  }
}

/// How a row in doubt was settled without sending it again.
public enum Settled: String, Sendable, CaseIterable {
  /// The target has it: it is not sent again.
  case accepted
  /// The target does not have it: it may be sent.
  case notAccepted = "not_accepted"
}

/// What a ledger says about one step of a row that takes several requests.
enum StepState: String {
  /// About to be sent.
  case begun
  /// The target has it.
  case accepted
}

extension LedgerRecord.Kind {
  /// Whether lines of this kind may have a verdict of that word.
  func allows(verdict word: String) -> Bool {
    switch self {
    case .outcome: return Verdict(rawValue: word) != nil
    case .mark: return Settled(rawValue: word) != nil
    case .step: return StepState(rawValue: word) != nil
    case .open, .start, .intent, .close: return false
    }
  }
}

extension UTCTime {
  /// The wall clock's time in whole seconds, as the ledger keeps it.
  ///
  /// It serves people and `ledger prune`; lines are ordered by their numbers, because clocks jump.
  package static func now() -> UTCTime { UTCTime(seconds: SystemTime.wall.rounded(.down)) }
}
