public import IntakeCore

extension LedgerRecord {
  /// The part of an outcome that is kept: codes and numbers, no text that a person or a server wrote.
  init(_ outcome: Outcome, key: Fingerprint) {
    self.init(.outcome, at: .now(), key: key)
    attempt = outcome.attempts
    verdict = outcome.verdict.rawValue
    row = outcome.row.line
    stage = outcome.stage.map { LedgerWord.encoded($0) }
    code = (outcome.failure?.code ?? outcome.receipt?.code)?.rawValue
    column = (outcome.failure?.column?.description).map { LedgerWord.encoded($0) }
    side = outcome.failure?.side?.rawValue
    http = outcome.receipt?.http
    status = outcome.receipt?.status.map(LedgerWord.plain)
    type = outcome.receipt?.type.map(LedgerWord.plain)
    bytes = outcome.receipt.map(\.bodyBytes)
    let time = outcome.timings.reduce(0) { $0 + $1.milliseconds }
    milliseconds = time.isFinite && time < 1e15 ? Int(time.rounded()) : nil
  }

  /// Reads the line that begins at an offset of a file that has been checked.
  init?(at offset: Int, of file: any JournalFile) {
    guard let bytes = try? file.read(at: offset, count: LineFormat.limit),
      let end = bytes.firstIndex(of: UInt8(ascii: "\n"))
    else { return nil }
    var parser = LineParser()
    guard parser.parse(bytes, 0..<end) else { return nil }
    self.init(parser, bytes)
  }
}

extension LedgerIndex {
  /// Whether an outcome says anything that the ledger does not say already.
  func isNews(_ record: LedgerRecord) -> Bool {
    guard let key = record.key, let state = self[key] else { return true }
    // A quarantined row keeps its starts, and is told so in every run.
    let isStarted = state.starts > 0 && record.code != FailureCode.quarantined.rawValue
    return state.isInFlight(in: run) || isStarted || state.gist != record.gist
      || (record.verdict == Verdict.accepted.rawValue && state.standing != .accepted)
  }
}

extension Outcome {
  /// An outcome as the ledger keeps it; nil for lines of another kind.
  public init?(recorded record: LedgerRecord) {
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
