/// What all connections of a sandbox share.
struct ServerContext: Sendable {
  let router: Router
  let log: RequestLog
  let faults: FaultPlan
  let limits: ServerLimits
  let bodies: BodyBudget
}

/// What becomes of a connection after an answer.
enum AfterAnswer: Equatable {
  /// It ends.
  case close
  /// It waits for the next request for that many milliseconds.
  case wait(Int)
}
