import IntakeCore
import Synchronization

/// One request to either API as the sandbox saw it: faults are chosen by it, and tests compare a ledger with it.
struct LoggedRequest: Sendable {
  /// Counts the requests to the APIs from 1.
  let number: Int
  let time: UTCTime
  let connection: Int
  /// Counts the requests of the connection from 1.
  let use: Int
  let method: String
  let path: String
  var service = ""
  var customer: String?
  /// Counts the requests about this customer from 1; 0 while it is not known.
  var attempt = 0
  /// Bytes of the body, 0 when it was not read whole.
  var bytes = 0
  /// The status code of the answer, nil when none was meant to be sent.
  var status: Int?
  var isAccepted = false
  var faults: [String] = []
  /// Oddities worth a look, free of personal data.
  var notes: [String] = []

  var output: JSONOutput {
    JSONOutput(fields: [
      ("number", number), ("time", time.seconds), ("connection", connection), ("method", method),
      ("path", path), ("service", service), ("customer", customer.orNull), ("try", attempt),
      ("bytes", bytes), ("status", status.orNull), ("accepted", isAccepted), ("faults", faults),
      ("notes", notes),
    ])
  }
}

/// The latest requests, their numbering, and how many requests there were for each customer.
final class RequestLog: Sendable {
  private struct State {
    var entries = Queue<LoggedRequest>()
    var count = 0
    /// By the hash of the customer's name: two that share one among 5 million have a chance of 1 in a million.
    var attempts: [Int: Int] = [:]
  }

  private let most: Int
  private let state = Mutex(State())

  init(most: Int) { self.most = most }

  func nextNumber() -> Int {
    state.withLock { state in
      state.count += 1
      return state.count
    }
  }

  func nextAttempt(_ customer: String) -> Int {
    let name = customer.hashValue
    return state.withLock { state in
      // A million keys take some 40 MB; a sandbox that has seen more starts counting again.
      if state.attempts.count >= 1_000_000 { state.attempts = [:] }
      state.attempts[name, default: 0] += 1
      return state.attempts[name] ?? 1
    }
  }

  func add(_ entry: LoggedRequest) {
    state.withLock { state in
      state.entries.append(entry)
      _ = state.entries.removeFirst(beyond: most)
    }
  }

  var entries: [LoggedRequest] { state.withLock { Array($0.entries.elements) } }

  func reset() { state.withLock { $0 = State() } }
}
