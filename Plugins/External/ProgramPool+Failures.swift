import IntakeCore
import IntakeSystem

extension ProgramPool {
  /// What a fault at an item means for its row.
  func failure(_ fault: ProgramFault) -> any Error {
    let name = options.name
    switch fault {
    case .ended:
      return StageFailure(.stageProtocol, "\(name) ended before it had answered")
    case .overdue:
      return StageFailure(
        .stageTimeout, "\(name) did not answer within \(JSONOutput.decimal(options.timeout).text) s"
      )
    case .cancelled: return CancellationError()
    case .violated(let what):
      return StageFailure(.stageProtocol, "\(name) broke the protocol: \(what)")
    case .lateAnswer:
      return StageFailure(.stageProtocol, "\(name) answered another item than the one it was given")
    case .unstartable(let detail): return StageFailure(.stageProtocol, detail)
    case .givenUp:
      return StageFailure(
        .stageProtocol, "\(name) failed \(ProgramPool.restarts + 1) times in a row and is given up",
        outcome: .fatal)
    }
  }

  /// What went wrong at the greeting; no item has been seen by then, so its last words may be repeated.
  func failure(greeting fault: ProgramFault, _ end: ProgramEnd, said: [UInt8]) -> StageFailure {
    let words = ErrorLines(said, dropped: 0).last.map { ": " + $0 } ?? ""
    let detail: String
    switch fault {
    case .overdue:
      detail =
        "\(options.name) did not get ready within \(JSONOutput.decimal(options.startTimeout).text) s"
    case .violated(let what): detail = "\(options.name) sent \(what)"
    default: detail = "\(options.name) \(end) before it was ready"
    }
    return StageFailure(
      .stageProtocol, detail + words,
      hint: "run `docintake stages check` on the program; its standard output is for messages only",
      outcome: .fatal)
  }
}
