import IntakeCore
import Synchronization

/// Lets one operation per customer run at a time, in the order of asking.
final class CustomerLocks: Sendable {
  /// The customers being served, with who waits for each.
  private let waiting = Mutex<[Personal<String>: [CheckedContinuation<Void, Never>]]>([:])

  func lock(_ customer: Personal<String>) async {
    await withCheckedContinuation { continuation in
      let isFree = waiting.withLock { waiting in
        guard waiting[customer] == nil else {
          waiting[customer]?.append(continuation)
          return false
        }
        waiting[customer] = []
        return true
      }
      if isFree { continuation.resume() }
    }
  }

  func unlock(_ customer: Personal<String>) {
    let next = waiting.withLock { waiting -> CheckedContinuation<Void, Never>? in
      guard var queue = waiting[customer], !queue.isEmpty else {
        waiting[customer] = nil
        return nil
      }
      let next = queue.removeFirst()
      waiting[customer] = queue
      return next
    }
    next?.resume()
  }
}
