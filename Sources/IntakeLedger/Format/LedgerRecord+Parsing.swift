import IntakeCore

extension LedgerRecord {
  /// Reads the fields of a line; nil when the kind is unknown or a field that the kind needs is missing.
  init?(_ line: LineParser, _ bytes: [UInt8]) {
    guard let kind = line.text(.kind).flatMap({ Kind(bytes[$0]) }),
      let time = line.text(.time).flatMap({ LedgerTime(bytes, $0) })
    else { return nil }
    self.init(kind, at: time)
    func word(_ name: FieldName) -> String? {
      line.text(name).map { String(decoding: bytes[$0], as: UTF8.self) }
    }
    func fingerprint(_ name: FieldName) -> Fingerprint? {
      line.text(name).flatMap { Fingerprint(bytes, $0) }
    }
    key = fingerprint(.key)
    row = line.number(.row, bytes)
    switch kind {
    case .open:
      (tool, target) = (word(.tool), word(.target))
      operation = word(.operation)
      (shard, host) = (word(.shard), word(.host))
      process = line.number(.process, bytes)
      keyProof = fingerprint(.keyProof)
    case .start: break
    case .step:
      (step, part) = (line.number(.step, bytes), word(.part))
      verdict = word(.verdict)
    case .mark: (verdict, author) = (word(.verdict), word(.author))
    case .intent, .outcome:
      (customer, digest) = (fingerprint(.customer), fingerprint(.digest))
      (attempt, operation) = (line.number(.attempt, bytes), word(.operation))
    }
    if kind == .intent { source = fingerprint(.source) }
    if kind == .outcome {
      (verdict, stage, code) = (word(.verdict), word(.stage), word(.code))
      (column, side) = (word(.column), word(.side))
      (status, type) = (word(.status), word(.type))
      http = line.number(.http, bytes)
      self.bytes = line.number(.bytes, bytes)
      milliseconds = line.number(.milliseconds, bytes)
    }
    guard isComplete else { return nil }
  }

  /// Whether every field that the kind cannot do without is there.
  private var isComplete: Bool {
    switch kind {
    case .open: return target != nil && keyProof != nil
    case .start: return key != nil
    case .intent: return key != nil && digest != nil && attempt != nil
    case .outcome: return key != nil && attempt != nil && Verdict(rawValue: verdict ?? "") != nil
    case .step:
      return key != nil && step.map { $0 < 8 } == true && StepState(rawValue: verdict ?? "") != nil
    case .mark: return key != nil && Settled(rawValue: verdict ?? "") != nil
    }
  }
}

extension LedgerRecord.Kind {
  fileprivate init?(_ bytes: ArraySlice<UInt8>) {
    for kind in [LedgerRecord.Kind.outcome, .intent, .start, .step, .mark, .open]
    where bytes.elementsEqual(kind.rawValue.utf8) {
      self = kind
      return
    }
    return nil
  }
}
