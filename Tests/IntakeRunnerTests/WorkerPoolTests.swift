import IntakeRunner
import IntakeSystem
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a crash on a worker thread is blamed on.
@Suite(.timeLimit(.minutes(1)))
struct WorkerPoolTests {
  /// A path of a file that is not there yet.
  private func notePath() -> String { "/tmp/docintake-note-\(UInt64.random(in: 0...UInt64.max))" }

  @Test func aCrashWithinAJobIsItsRowsFault() async throws {
    let path = notePath()
    await #expect(processExitsWith: .signal(SIGSEGV)) { [path = path as String] in
      CrashNote.arm(path)
      let pool = try WorkerPool(threads: 1)
      await Task(executorPreference: pool) {
        CrashNote.working(on: "row-that-crashes")
        raise(SIGSEGV)
      }.value
    }
    #expect(CrashNote.take(from: path) == ["row-that-crashes"])
  }

  @Test func aStageThatWaitsIsNotBlamedForItsNeighbour() async throws {
    let path = notePath()
    await #expect(processExitsWith: .signal(SIGSEGV)) { [path = path as String] in
      CrashNote.arm(path)
      let pool = try WorkerPool(threads: 1)
      let waiting = Task(executorPreference: pool) {
        CrashNote.working(on: "row-that-waits")
        try await Task.sleep(for: .seconds(30))
      }
      try await Task.sleep(for: .milliseconds(300))
      await Task(executorPreference: pool) { _ = raise(SIGSEGV) }.value
      waiting.cancel()
    }
    #expect(CrashNote.take(from: path) == [])
  }
}
