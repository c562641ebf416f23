import IntakeCore

/// What a scan makes of a line that is as it was written.
protocol LedgerLine: Sendable {
  /// Takes the fields; nil when the kind is unknown or a field that the kind needs is missing.
  init?(_ line: LineParser, _ bytes: Span<UInt8>)
}

/// What a line says about the state of its row: numbers alone, so that a ledger of a million rows is read without
/// two million records being made.
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

  init?(_ line: LineParser, _ bytes: Span<UInt8>) {
    guard let layout = line.layout(bytes), let time = line.time(bytes) else { return nil }
    let kind = line.tables.layouts[layout].kind
    guard let event = Event(kind, line, bytes) else { return nil }
    key = line.fingerprint(line.fields.key.name, bytes)
    guard key != nil || !kind.isAboutRow else { return nil }
    seconds = UInt32(clamping: Int(time.seconds))
    operation = line.text(line.fields.operation.name).map { Checksums.fnv64(bytes.extracting($0)) }
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

  struct Intent {
    let digest: Fingerprint
    let origin: RowState.OriginPrint
    /// Who the row is about, in lines of format 1 alone.
    let customerInFormat1: Fingerprint?

    fileprivate init?(_ line: LineParser, _ bytes: Span<UInt8>) {
      let fields = line.fields
      guard let digest = line.fingerprint(fields.digest.name, bytes) else { return nil }
      self.digest = digest
      let isOfFormat1 = line.number(fields.version, bytes) == 1
      origin = RowState.OriginPrint(
        cells: line.short(isOfFormat1 ? fields.source.name : fields.cells.name, bytes),
        files: line.short(fields.files.name, bytes), images: line.short(fields.images.name, bytes),
        isOfFormat1: isOfFormat1)
      customerInFormat1 = isOfFormat1 ? line.fingerprint(fields.customer.name, bytes) : nil
    }
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

    fileprivate init(_ verdict: Verdict, _ line: LineParser, _ bytes: Span<UInt8>) {
      let fields = line.fields
      self.verdict = verdict
      wasSent = (line.number(fields.attempt.name, bytes) ?? 0) > 0
      deadlyFiles = line.short(fields.files.name, bytes)
      isQuarantined = line.word(fields.code.name, bytes) == FailureCode.quarantined.rawValue
      let repeated: [6 of FieldName] = [
        fields.verdict.name, fields.stage.name, fields.code.name, fields.column.name,
        fields.side.name, fields.http.name,
      ]
      // FNV-1a with a NUL between the texts.
      var hash = Checksums.fnv64([])
      for index in repeated.indices {
        if let field = line.first(repeated[index]) {
          hash = Checksums.fnv64(bytes.extracting(field.value), after: hash)
        }
        hash = Checksums.fnv64(CollectionOfOne(0), after: hash)
      }
      self.hash = UInt32(truncatingIfNeeded: hash)
    }
  }
}

extension StateLine.Event {
  fileprivate init?(_ kind: LedgerRecord.Kind, _ line: LineParser, _ bytes: Span<UInt8>) {
    let verdict = line.word(line.fields.verdict.name, bytes) ?? ""
    switch kind {
    case .open: self = .open
    case .close: self = .close
    case .start: self = .start
    case .intent:
      guard let intent = StateLine.Intent(line, bytes) else { return nil }
      self = .intent(intent)
    case .step:
      let number = line.number(line.fields.step.name, bytes) ?? 0
      self = .step(number, isDone: verdict == StepState.accepted.rawValue)
    case .outcome:
      guard let verdict = Verdict(rawValue: verdict) else { return nil }
      self = .outcome(StateLine.End(verdict, line, bytes))
    case .mark: self = .mark(isAccepted: verdict == Settled.accepted.rawValue)
    }
  }
}

extension LineParser {
  /// A fingerprint in short, 0 where there is none.
  fileprivate func short(_ name: FieldName, _ line: Span<UInt8>) -> UInt32 {
    fingerprint(name, line)?.short ?? 0
  }
}
