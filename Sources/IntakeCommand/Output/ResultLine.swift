import IntakeCore
import IntakeSystem
import Synchronization

/// Writes an outcome as the result line that scripts rely on.
struct ResultLine: Sendable {
  let hidesPaths: Bool

  /// The fields of a row; those without a value are left out.
  func json(_ outcome: Outcome, word: String? = nil) -> JSONOutput {
    let failure = outcome.failure
    let further = outcome.further.map { JSONOutput.present(problem($0)) }
    let times = outcome.timings.map { ($0.stage, JSONOutput.decimal($0.milliseconds)) }
    var fields: [(String, JSONOutput?)] = [
      ("row", .integer(outcome.row.line)), ("id", .text(outcome.row.id)),
      ("reference", .text(outcome.row.reference)), ("key", .text(outcome.key?.description)),
      ("outcome", .string(word ?? outcome.verdict.rawValue)),
      ("stage", failure.flatMap { _ in .text(outcome.stage) }),
    ]
    fields += failure.map(problem) ?? []
    if failure != nil, !further.isEmpty { fields.append(("further", .array(further))) }
    fields += outcome.receipt.map { answer($0, outcome.attempts, word) } ?? []
    if !outcome.images.isEmpty { fields.append(("images", images(outcome.images))) }
    return .present(fields + [("ms", .object(times))])
  }

  private func problem(_ failure: StageFailure) -> [(String, JSONOutput?)] {
    [
      ("code", .string(failure.code.rawValue)),
      ("detail", .string(Sanitizer.clean(failure.detail, limit: 500))),
      ("hint", .string(failure.hint)), ("column", .text(failure.column?.description)),
      ("side", .text(failure.side?.rawValue)), ("file", hidesPaths ? nil : .text(failure.file)),
    ]
  }

  private func answer(_ receipt: Receipt, _ attempts: Int, _ word: String?)
    -> [(String, JSONOutput?)]
  {
    let steps = receipt.steps.map { step($0, word) }
    return [
      ("http", .count(receipt.http)), ("status", .text(receipt.status.map(Sanitizer.word))),
      ("type", .text(receipt.type.map(Sanitizer.word))),
      ("attempts", attempts > 0 ? .integer(attempts) : nil),
      ("bodyBytes", receipt.bodyBytes > 0 ? .integer(receipt.bodyBytes) : nil),
      ("steps", steps.isEmpty ? nil : .array(steps)),
    ]
  }

  private func step(_ step: StepReport, _ word: String?) -> JSONOutput {
    .present([
      ("step", .string(step.name)), ("outcome", .string(word ?? step.verdict.rawValue)),
      ("http", .count(step.http)),
      ("bodyBytes", step.bodyBytes > 0 ? .integer(step.bodyBytes) : nil),
    ])
  }

  private func images(_ reports: [Side: ShrinkReport]) -> JSONOutput {
    let sides = reports.sorted { $0.key < $1.key }
    return .object(sides.map { ($0.key.rawValue, image($0.value)) })
  }

  private func image(_ report: ShrinkReport) -> JSONOutput {
    .object([
      ("source", form(report.source)), ("sent", form(report.sent)),
      ("how", .string(report.method.rawValue)), ("reason", .string(report.reason)),
      ("tried", .array(report.attempts.map(attempt))),
      ("warnings", .array(report.warnings.map { .string($0) })),
    ])
  }

  private func attempt(_ attempt: ShrinkReport.Attempt) -> JSONOutput {
    .object([
      ("edge", .integer(attempt.edge)), ("quality", .integer(attempt.quality)),
      ("bytes", .integer(attempt.bytes)), ("sample", .bool(attempt.isSample)),
    ])
  }

  private func form(_ form: ShrinkReport.Form) -> JSONOutput {
    .present([
      ("format", .string(form.format.rawValue)), ("width", .integer(form.size.width)),
      ("height", .integer(form.size.height)), ("bytes", .integer(form.bytes)),
      ("quality", .count(form.quality)),
    ])
  }
}

extension JSONOutput {
  /// An object without the fields that have no value.
  static func present(_ fields: [(String, JSONOutput?)]) -> JSONOutput {
    .object(fields.compactMap { name, value in value.map { (name, $0) } })
  }
}

extension JSONOutput? {
  /// A string, or no value.
  static func text(_ text: String?) -> JSONOutput? { text.map { .string($0) } }
  /// A whole number, or no value.
  static func count(_ number: Int?) -> JSONOutput? { number.map { .integer($0) } }
}

/// Standard output, kept for results alone.
///
/// The stream itself is moved to a descriptor of its own and its place is taken by standard error, so that a
/// stray `print` in a stage cannot end up between results.
final class ResultWriter: Sendable {
  private struct State {
    var descriptor: Int32
    var failure: SystemCallFailure?
  }

  private let state: Mutex<State>

  init() { state = Mutex(State(descriptor: ProcessSetup.takeStandardOutput())) }

  /// Why nothing can be written any more, nil while all is well; the ledger is not affected.
  var trouble: String? {
    state.withLock(\.failure).map {
      $0.isOutOfSpace
        ? "no space left on the device of standard output" : "standard output was closed"
    }
  }

  /// Whether results were lost because the disk is full; a reader that went away wanted no more of them.
  var ranOutOfSpace: Bool { state.withLock(\.failure)?.isOutOfSpace == true }

  /// Writes one line whole; false once the reader has gone away or the disk is full.
  @discardableResult
  func writeLine(_ line: String) -> Bool { write(Array(line.utf8) + [0x0A]) }

  /// Writes text as it is.
  func writeText(_ text: String) { write(Array(text.utf8)) }

  @discardableResult
  private func write(_ bytes: [UInt8]) -> Bool {
    state.withLock { state in
      guard state.failure == nil else { return false }
      state.failure = RawDescriptor.failure(writing: bytes, to: state.descriptor)
      return state.failure == nil
    }
  }
}
