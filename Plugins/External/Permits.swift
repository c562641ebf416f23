import Dispatch

/// Lets so many threads at once through and makes the others wait.
final class Permits: Sendable {
  private let semaphore: DispatchSemaphore

  init(_ count: Int) { semaphore = DispatchSemaphore(value: count) }

  /// Waits for a place; blocks.
  ///
  /// - Throws: `CancellationError` when the task is cancelled meanwhile.
  func enter() throws {
    while semaphore.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
      try Task.checkCancellation()
    }
  }

  /// Gives the place to the next.
  func leave() { semaphore.signal() }
}
