import IntakeCore

/// Every field of a line, in the order in which they are written; a new field is one declaration here.
///
/// `in` lists the kinds of lines that may have the field, `needed` those that are damaged without it, and
/// `shown` gives the field's position and name in `ledger show` and reports. Reading, writing, the check of a
/// line and the reports follow from this table; `LedgerRecord` has a property for each field.
///
/// There is no field for a name, a path, an e-mail or a server's text: what has no place here cannot leak.
package final class LedgerFields: Sendable {
  /// Version of the program.
  package let tool = LedgerField<String>("tool", in: [.open])
  /// The receiving API that the ledger is about.
  package let target = LedgerField<String>("target", needed: [.open])
  /// The part of the manifest that the run took, `i/n`.
  package let shard = LedgerField<String>("shard", in: [.open])
  /// SHA-256 in hexadecimal of the manifest's bytes, and of the plan without what changes from batch to batch.
  package let manifest = LedgerField<String>("manifest", in: [.open])
  package let plan = LedgerField<String>("plan", in: [.open])
  /// What the run was told to do differently, such as `only=failed`.
  package let note = LedgerField<String>("note", in: [.open])
  package let host = LedgerField<String>("host", in: [.open])
  package let process = LedgerField<Int>("pid", in: [.open])
  /// Proof that the key file belongs to the ledger.
  package let keyProof = LedgerField<Fingerprint>("key", needed: [.open])
  package let key = LedgerField<Fingerprint>(
    "k", needed: [.start, .intent, .step, .outcome, .mark])
  /// The operator's name for the row; batches reuse names, so several rows may share one.
  package let label = LedgerField<Fingerprint>("l", in: [.intent, .outcome])
  /// The customer, in lines of format 1: since then the row's key says the same.
  package let customer = LedgerField<Fingerprint>("i", in: [.intent, .outcome])
  /// The content of the request, without credentials; in outcomes of format 1 only, because the intent has it.
  package let digest = LedgerField<Fingerprint>("d", in: [.outcome], needed: [.intent])
  /// What the row was made of, cells and sizes of scans together, in lines of format 1.
  package let source = LedgerField<Fingerprint>("src", in: [.intent])
  /// The cells of the row without its label.
  package let cells = LedgerField<Fingerprint>("cells", in: [.intent])
  /// Path, size and modification time of each scan, where scans are sent; in outcomes, where decoding one ended a process.
  package let files = LedgerField<Fingerprint>("files", in: [.intent, .outcome])
  /// The bytes of each scan, where scans are sent.
  package let images = LedgerField<Fingerprint>("images", in: [.intent])
  /// Which attempt it is, from 1; in an outcome how many there were in that run, 0 for none.
  package let attempt = LedgerField<Int>("a", needed: [.intent, .outcome], shown: (11, "attempts"))
  /// By the vendor's name.
  package let operation = LedgerField<String>(
    "op", in: [.open, .intent, .outcome], shown: (2, "operation"))
  /// Which step of the row it is: 0 for the request itself, 1 to 7 for its follow-ups.
  package let step = LedgerField<Int>("f", needed: [.step]) { value, _ in Int(value) ?? 8 < 8 }
  /// What the step brings, such as `upload.front`.
  package let part = LedgerField<String>("part", in: [.step])
  /// A `Verdict` for outcomes, a `Settled` for marks, a `StepState` for steps.
  package let verdict = LedgerField<String>(
    "r", needed: [.step, .outcome, .mark], shown: (1, "outcome")
  ) { value, kind in String(value).map(kind.allows(verdict:)) ?? false }
  package let stage = LedgerField<String>("stage", in: [.outcome], shown: (3, "stage"))
  /// Why, from the one list of codes.
  package let code = LedgerField<String>("code", in: [.outcome], shown: (4, "code"))
  /// The column at fault, if it is one; older programs wrote neither this nor `side`.
  package let column = LedgerField<String>("column", in: [.outcome], shown: (5, "column"))
  /// The side at fault, if it is one.
  package let side = LedgerField<String>("side", in: [.outcome], shown: (6, "side"))
  package let http = LedgerField<Int>("http", in: [.outcome], shown: (10, "http"))
  /// The customer's status at the target.
  package let status = LedgerField<String>("status", in: [.outcome], shown: (7, "status"))
  /// What the target did: `createCustomer`, `updateCustomer` ….
  package let type = LedgerField<String>("type", in: [.outcome], shown: (8, "type"))
  /// Bytes of the body that was sent.
  package let bytes = LedgerField<Int>("bytes", in: [.outcome], shown: (12, "bodyBytes"))
  /// Milliseconds that the row took in all stages.
  package let milliseconds = LedgerField<Int>("ms", in: [.outcome], shown: (13, "ms"))
  /// Milliseconds in each stage, without those below 1: `decode=12,shrink=140`.
  package let stages = LedgerField<String>("took", in: [.outcome])
  /// Milliseconds that the row waited because the target asked for it or was down, or for `--rate`.
  package let waited = LedgerField<Int>("wait", in: [.outcome], shown: (14, "waitedMs"))
  /// Bytes of the row's images as they came, and as they were sent.
  package let imagesBefore = LedgerField<Int>("in", in: [.outcome], shown: (15, "imageBytes"))
  package let imagesAfter = LedgerField<Int>("out", in: [.outcome], shown: (16, "sentImageBytes"))
  /// Line number in the manifest of that run.
  package let row = LedgerField<Int>("row", in: [.outcome], shown: (9, "row"))
  /// Who settled a row: `operator:NAME` or `target:EVIDENCE`.
  package let author = LedgerField<String>("by", in: [.mark])
  /// Whether a run came to the end of its manifest: `complete` or `stopped`.
  package let end = LedgerField<String>("end", needed: [.close]) { value, _ in
    [LedgerRecord.complete, LedgerRecord.stopped].contains(String(value))
  }
  /// Rows of the run by outcome, each missing where there was none.
  package let accepted = LedgerField<Int>("accepted", in: [.close])
  package let rejected = LedgerField<Int>("rejected", in: [.close])
  package let failed = LedgerField<Int>("failed", in: [.close])
  package let doubt = LedgerField<Int>("doubt", in: [.close])
  package let skipped = LedgerField<Int>("skipped", in: [.close])
  /// Skipped rows that were changed after they had been accepted.
  package let changed = LedgerField<Int>("changed", in: [.close])

  /// What is read of the frame that every line has, see `LineFormat`.
  let version = FieldName("v")
  let number = FieldName("n")
  let kind = FieldName("t")
  let time = FieldName("at")
  let checksum = FieldName("c")

  static let all = LedgerFields()
}

/// A field of a line: its rule, and the type that its value has in a record.
package struct LedgerField<Value: LedgerValue>: RuledField {
  let rule: FieldRule
  var name: FieldName { rule.name }

  init(
    _ name: StaticString, in kinds: [LedgerRecord.Kind] = [], needed: [LedgerRecord.Kind] = [],
    shown: (position: Int, name: String)? = nil, where isValid: FieldRule.Check? = nil
  ) {
    rule = FieldRule(
      name: FieldName(name), text: name.description, type: Value.type, kinds: kinds + needed,
      needed: needed, shown: shown, isValid: isValid)
  }
}

private protocol RuledField { var rule: FieldRule { get } }

/// What the table says about a field.
struct FieldRule: Sendable {
  typealias Check = @Sendable (FieldValue, LedgerRecord.Kind) -> Bool

  let name: FieldName
  let text: String
  let type: FieldValue.Kind
  let kinds: [LedgerRecord.Kind]
  let needed: [LedgerRecord.Kind]
  let shown: (position: Int, name: String)?
  let isValid: Check?

  /// All rules in the order of their declaration, found by reflection: no field can be forgotten.
  static let all = Mirror(reflecting: LedgerFields.all).children.compactMap {
    ($0.value as? any RuledField)?.rule
  }

  /// The fields that reports show, in their order there, with their names there.
  static let shown = all.compactMap { rule in rule.shown.map { (rule.name, $0) } }
    .sorted { $0.1.position < $1.1.position }.map { (field: $0, name: $1.name) }
}

/// The fields that a line of a kind may have.
struct LineLayout: Sendable {
  let kind: LedgerRecord.Kind
  /// The word of the kind, packed as names are.
  let word: FieldName
  let rules: [FieldRule]
  private let needs: [Need]

  /// What a needed field must be.
  ///
  /// Without references to the rules: three threads that count those of each line cost a tenth of the time of a run
  /// that skips its rows.
  private enum Need {
    case text(FieldName)
    case number(FieldName)
    case value(FieldName, FieldValue.Kind, check: FieldRule.Check?)
  }

  private init(_ kind: LedgerRecord.Kind) {
    self.kind = kind
    word = FieldName(Array(kind.rawValue.utf8).span)
    rules = FieldRule.all.filter { $0.kinds.contains(kind) }
    needs = rules.filter { $0.needed.contains(kind) }.map { rule in
      switch rule.type {
      // Fingerprints in lines about rows only have to be text here: whoever reads them checks them.
      case .fingerprint where kind.isAboutRow: .text(rule.name)
      case .word where rule.isValid == nil: .text(rule.name)
      case .number where rule.isValid == nil: .number(rule.name)
      default: .value(rule.name, rule.type, check: rule.isValid)
      }
    }
  }

  static let all = LedgerRecord.Kind.allCases.map(LineLayout.init)

  /// Whether a line has every field that its kind needs.
  func fits(_ line: LineParser, _ bytes: Span<UInt8>) -> Bool {
    for need in needs {
      let isThere =
        switch need {
        case .text(let name): line.text(name) != nil
        case .number(let name): line.first(name)?.isText == false
        case .value(let name, let type, let check):
          value(of: name, type, check, in: line, bytes) != nil
        }
      guard isThere else { return false }
    }
    return true
  }

  /// The value of a field; nil where it is missing, or lines of this kind may not have it.
  func value(of rule: FieldRule, in line: LineParser, _ bytes: Span<UInt8>) -> FieldValue? {
    value(of: rule.name, rule.type, rule.isValid, in: line, bytes)
  }

  private func value(
    of name: FieldName, _ type: FieldValue.Kind, _ check: FieldRule.Check?, in line: LineParser,
    _ bytes: Span<UInt8>
  ) -> FieldValue? {
    guard let field = line.first(name),
      let value = FieldValue(field, type, bytes, line.tables), check?(value, kind) != false
    else { return nil }
    return value
  }
}

/// What a field holds: a word, a whole number or a fingerprint.
package enum FieldValue: Sendable, Equatable {
  case word(String)
  case number(Int)
  case fingerprint(Fingerprint)

  package enum Kind: Sendable { case word, number, fingerprint }

  /// The value as it stands in a line.
  var text: String {
    switch self {
    case .word(let word): "\"\(word)\""
    case .number(let number): String(max(0, number))
    case .fingerprint(let fingerprint): "\"\(fingerprint)\""
    }
  }

  /// Reads the value that stands in a line; nil when it is of another type.
  init?(
    _ field: LineParser.Field, _ kind: Kind, _ line: Span<UInt8>, _ tables: LineParser.Tables
  ) {
    switch kind {
    case .word where field.isText: self = .word(String(ascii: line.extracting(field.value)))
    case .fingerprint where field.isText:
      guard let fingerprint = Fingerprint(line.extracting(field.value), tables) else { return nil }
      self = .fingerprint(fingerprint)
    case .number where !field.isText: self = .number(field.number(line))
    default: return nil
    }
  }
}

extension String {
  /// The text of a field, whose characters are all ASCII.
  init(ascii text: Span<UInt8>) {
    self = text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }
}

/// The type that the value of a field has in a record.
package protocol LedgerValue: Sendable, Equatable {
  static var type: FieldValue.Kind { get }
  init?(_ value: FieldValue)
  var fieldValue: FieldValue { get }
}

extension String: LedgerValue {
  package static var type: FieldValue.Kind { .word }
  package init?(_ value: FieldValue) {
    guard case .word(let word) = value else { return nil }
    self = word
  }
  package var fieldValue: FieldValue { .word(self) }
}

extension Int: LedgerValue {
  package static var type: FieldValue.Kind { .number }
  package init?(_ value: FieldValue) {
    guard case .number(let number) = value else { return nil }
    self = number
  }
  package var fieldValue: FieldValue { .number(self) }
}

extension Fingerprint: LedgerValue {
  package static var type: FieldValue.Kind { .fingerprint }
  package init?(_ value: FieldValue) {
    guard case .fingerprint(let fingerprint) = value else { return nil }
    self = fingerprint
  }
  package var fieldValue: FieldValue { .fingerprint(self) }
}
