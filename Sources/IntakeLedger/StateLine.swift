import IntakeCore

/// What a scan makes of a line that is as it was written.
protocol LedgerLine: Sendable {
  /// Takes the fields; nil when the kind is unknown or a field that the kind needs is missing.
  init?(_ line: LineParser, _ bytes: Span<UInt8>)
}

/// What a line says that the state of its row depends on: numbers alone, so that a ledger of a million rows is
/// read without two million records being made.
struct StateLine: LedgerLine {
  /// The row; nil in lines of runs.
  let key: Fingerprint?
  /// When it was written, in seconds since 1970.
  let seconds: UInt32
  /// The hash of the operation's name, nil where the line names none.
  let operation: UInt64?
  let event: Event

  enum Event {
    case open, close, start
    case intent(Intent)
    case step(Int, isDone: Bool)
    case outcome(End)
    case mark(isAccepted: Bool)
  }

  struct Intent {
    let digest: Fingerprint
    let origin: RowState.OriginPrint
    /// Who the row is about, in lines of format 1 alone.
    let customerInFormat1: Fingerprint?
  }

  struct End {
    let verdict: Verdict
    /// Over the parts of an outcome that a repeated run would repeat.
    let hash: UInt32
    /// Whether there was an attempt in its run.
    let wasSent: Bool
    let isQuarantined: Bool
    /// The fingerprint of scans of which one ended the process that decoded it, in short; 0 for none.
    let deadlyFiles: UInt32
  }

  init?(_ line: LineParser, _ bytes: Span<UInt8>) {
    guard let kind = line.kind(bytes),
      let time = line.text(line.names.time).flatMap({ UTCTime(rfc3339: bytes.extracting($0)) }),
      let event = Event(kind, line, bytes)
    else { return nil }
    key = line.fingerprint(line.names.key, bytes)
    guard key != nil || !kind.isAboutRow else { return nil }
    seconds = UInt32(clamping: Int(time.seconds))
    operation = line.text(line.names.operation).map { Checksums.fnv64(bytes.extracting($0)) }
    self.event = event
  }

  /// What a record says once it is written; nil for one that could not be read again.
  init?(_ record: LedgerRecord) {
    let bytes = record.line(number: 0, synced: 0, after: 0).bytes
    var parser = LineParser()
    let line = bytes.span.extracting(0..<bytes.count - 1)
    guard parser.parse(line) else { return nil }
    self.init(parser, line)
  }
}

extension StateLine.Event {
  fileprivate init?(_ kind: LedgerRecord.Kind, _ line: LineParser, _ bytes: Span<UInt8>) {
    let verdict = line.word(line.names.verdict, bytes) ?? ""
    switch kind {
    case .open: self = .open
    case .close: self = .close
    case .start: self = .start
    case .intent:
      guard let intent = StateLine.Intent(line, bytes) else { return nil }
      self = .intent(intent)
    case .step:
      let number = line.number(line.names.step, bytes) ?? 0
      self = .step(number, isDone: verdict == StepState.accepted.rawValue)
    case .outcome:
      guard let verdict = Verdict(rawValue: verdict) else { return nil }
      self = .outcome(StateLine.End(verdict, line, bytes))
    case .mark: self = .mark(isAccepted: verdict == Settled.accepted.rawValue)
    }
  }
}

extension StateLine.Intent {
  fileprivate init?(_ line: LineParser, _ bytes: Span<UInt8>) {
    guard let digest = line.fingerprint(line.names.digest, bytes) else { return nil }
    self.digest = digest
    let isOfFormat1 = line.number(line.names.version, bytes) == 1
    let cells =
      line.fingerprint(line.names.cells, bytes) ?? line.fingerprint(line.names.source, bytes)
    origin = RowState.OriginPrint(
      cells: cells?.short ?? 0,
      files: line.fingerprint(line.names.files, bytes)?.short ?? 0,
      images: line.fingerprint(line.names.images, bytes)?.short ?? 0,
      isOfFormat1: isOfFormat1)
    customerInFormat1 = isOfFormat1 ? line.fingerprint(line.names.customer, bytes) : nil
  }
}

extension StateLine.End {
  fileprivate init(_ verdict: Verdict, _ line: LineParser, _ bytes: Span<UInt8>) {
    self.verdict = verdict
    wasSent = (line.number(line.names.attempt, bytes) ?? 0) > 0
    deadlyFiles = line.fingerprint(line.names.files, bytes)?.short ?? 0
    isQuarantined = line.word(line.names.code, bytes) == FailureCode.quarantined.rawValue
    // FNV-1a with a NUL between the texts.
    var hash = Checksums.fnv64([])
    for index in line.names.repeated.indices {
      if let field = line.first(line.names.repeated[index]) {
        hash = Checksums.fnv64(bytes.extracting(field.value), after: hash)
      }
      hash = Checksums.fnv64(CollectionOfOne(0), after: hash)
    }
    self.hash = UInt32(truncatingIfNeeded: hash)
  }
}
