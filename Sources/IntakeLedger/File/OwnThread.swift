import IntakeCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A thread of its own for work that blocks, so that the cooperative pool (a thread a core) never waits for a disk.
enum OwnThread {
  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Starts a detached thread.
  static func start(_ body: @escaping @Sendable () -> Void) throws(JournalError) {
    let work = Unmanaged.passRetained(Work(body))
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let failure = pthread_create(&thread, nil, runOwnThread, work.toOpaque())
    guard failure == 0 else {
      work.release()
      throw JournalError(
        "no thread can be started for the ledger (error \(failure)): raise `ulimit -u`")
    }
    #if canImport(Darwin)
      if let thread { pthread_detach(thread) }
    #else
      pthread_detach(thread)
    #endif
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

  #if canImport(Darwin)
    private static let runOwnThread:
      @convention(c) (UnsafeMutableRawPointer) ->
        UnsafeMutableRawPointer? = { argument in
          Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
          return nil
        }
  #else
    private static let runOwnThread:
      @convention(c) (UnsafeMutableRawPointer?) ->
        UnsafeMutableRawPointer? = { argument in
          if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
          return nil
        }
  #endif
}
