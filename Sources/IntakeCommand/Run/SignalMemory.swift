import IntakeSystem
import Synchronization

/// Remembers the signal that aborted a run, for its exit code.
final class SignalMemory: Sendable {
  private let number = Mutex<Int32?>(nil)

  func abort(by number: Int32) { self.number.withLock { $0 = number } }

  /// The exit code of an aborted run, nil when it was not.
  var abortCode: ExitCode? {
    number.withLock { $0 }.map { $0 == SignalNumber.interrupt ? .interrupted : .terminated }
  }
}

extension SignalHub {
  /// Waits for the next signal.
  func wait() async {
    let isWaiting = Mutex(true)
    await withCheckedContinuation { continuation in
      listen { _, _ in
        let isFirst = isWaiting.withLock { waiting in
          defer { waiting = false }
          return waiting
        }
        if isFirst { continuation.resume() }
      }
    }
  }
}
