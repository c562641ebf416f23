import IntakeCore
import IntakeSystem

/// A thread of its own for work that blocks, so that the cooperative pool (a thread a core) never waits for a disk.
enum OwnThread {
  /// Starts a detached thread.
  static func start(_ body: @escaping @Sendable () -> Void) throws(JournalError) {
    guard SystemThread.start(body) else {
      throw JournalError("no thread can be started for the ledger: raise `ulimit -u`")
    }
  }

  /// Runs work on a thread of its own and waits for its result without blocking.
  static func run<Result: Sendable>(
    _ body: @escaping @Sendable () throws(JournalError) -> Result
  ) async throws(JournalError) -> Result {
    let result: Swift.Result<Result, JournalError> = await withCheckedContinuation { continuation in
      do throws(JournalError) {
        try start { continuation.resume(returning: Swift.Result(catching: body)) }
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    return try result.get()
  }
}
