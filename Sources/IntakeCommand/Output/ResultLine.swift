import IntakeCore
import IntakeSystem
import Synchronization

/// Writes an outcome as the result line that scripts rely on.
struct ResultLine: Sendable {
  let hidesPaths: Bool

  /// The fields of a row; those without a value are left out.
  func json(_ outcome: Outcome, word: String? = nil) -> JSONOutput {
    var fields: [(String, JSONOutput)] = [("row", .integer(outcome.row.line))]
    if let id = outcome.row.id { fields.append(("id", .string(id))) }
    if let reference = outcome.row.reference { fields.append(("reference", .string(reference))) }
    if let key = outcome.key { fields.append(("key", .string(key.description))) }
    fields.append(("outcome", .string(word ?? outcome.verdict.rawValue)))
    fields += failure(outcome)
    fields += answer(outcome, word)
    if !outcome.images.isEmpty { fields.append(("images", images(outcome.images))) }
    let times = outcome.timings.map { ($0.stage, JSONOutput.decimal($0.milliseconds)) }
    fields.append(("ms", .object(times)))
    return .object(fields)
  }

  private func failure(_ outcome: Outcome) -> [(String, JSONOutput)] {
    guard let failure = outcome.failure else { return [] }
    var fields: [(String, JSONOutput)] = []
    if let stage = outcome.stage { fields.append(("stage", .string(stage))) }
    fields += problem(failure)
    if !outcome.further.isEmpty {
      fields.append(("further", .array(outcome.further.map { .object(problem($0)) })))
    }
    return fields
  }

  private func problem(_ failure: StageFailure) -> [(String, JSONOutput)] {
    var fields: [(String, JSONOutput)] = [
      ("code", .string(failure.code.rawValue)),
      ("detail", .string(Sanitizer.clean(failure.detail, limit: 500))),
      ("hint", .string(failure.hint)),
    ]
    if let column = failure.column { fields.append(("column", .string(column.description))) }
    if let side = failure.side { fields.append(("side", .string(side.rawValue))) }
    if let file = failure.file, !hidesPaths { fields.append(("file", .string(file))) }
    return fields
  }

  private func answer(_ outcome: Outcome, _ word: String?) -> [(String, JSONOutput)] {
    guard let receipt = outcome.receipt else { return [] }
    var fields: [(String, JSONOutput)] = []
    if let http = receipt.http { fields.append(("http", .integer(http))) }
    if let status = receipt.status {
      fields.append(("status", .string(Sanitizer.word(status))))
    }
    if let type = receipt.type {
      fields.append(("type", .string(Sanitizer.word(type))))
    }
    if outcome.attempts > 0 { fields.append(("attempts", .integer(outcome.attempts))) }
    if receipt.bodyBytes > 0 { fields.append(("bodyBytes", .integer(receipt.bodyBytes))) }
    if !receipt.steps.isEmpty {
      fields.append(("steps", .array(receipt.steps.map { step($0, word) })))
    }
    return fields
  }

  private func step(_ step: StepReport, _ word: String?) -> JSONOutput {
    var fields: [(String, JSONOutput)] = [
      ("step", .string(step.name)), ("outcome", .string(word ?? step.verdict.rawValue)),
    ]
    if let http = step.http { fields.append(("http", .integer(http))) }
    if step.bodyBytes > 0 { fields.append(("bodyBytes", .integer(step.bodyBytes))) }
    return .object(fields)
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
    var fields: [(String, JSONOutput)] = [
      ("format", .string(form.format.rawValue)), ("width", .integer(form.size.width)),
      ("height", .integer(form.size.height)), ("bytes", .integer(form.bytes)),
    ]
    if let quality = form.quality { fields.append(("quality", .integer(quality))) }
    return .object(fields)
  }
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

  /// What ended the writing, in words; nil while all is well.
  ///
  /// What is written after it is lost, what is recorded is not.
  var trouble: String? {
    state.withLock(\.failure).map {
      $0.isOutOfSpace
        ? "no space left on the device of standard output" : "standard output was closed"
    }
  }

  /// Whether results were lost for want of room; a reader that went away wanted no more of them.
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
