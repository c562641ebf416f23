import Dispatch
import IntakeSystem
import Synchronization

/// A fixed number of threads that run tasks which prefer them; their work may block.
///
/// The cooperative pool has one thread a core and does not grow: two blocking calls on two cores stop
/// every other task, so decoding, encoding, fsync and HTTP each run on a pool of this kind.
public final class WorkerPool: TaskExecutor {
  private struct Queue {
    var jobs: [UnownedJob] = []
    var next = 0
    var isStopping = false

    mutating func pop() -> UnownedJob? {
      guard next < jobs.count else { return nil }
      defer { compact() }
      next += 1
      return jobs[next - 1]
    }

    /// Drops what has been taken once it is half of a long queue: amortised constant time.
    private mutating func compact() {
      guard next > 64, next * 2 > jobs.count else { return }
      jobs.removeFirst(next)
      next = 0
    }
  }

  private let queue = Mutex(Queue())
  private let ready = DispatchSemaphore(value: 0)
  /// Threads that were asked for.
  public let width: Int

  /// Starts the threads; works with fewer when the system grants no more.
  ///
  /// - Throws: `ThreadsUnavailable` when not even one thread could be started.
  public init(threads: Int) throws(ThreadsUnavailable) {
    width = max(1, threads)
    let started = (0..<width).count { _ in SystemThread.start { self.work() } }
    guard started > 0 else { throw ThreadsUnavailable() }
  }

  /// Takes a job from the concurrency runtime.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.withLock { $0.jobs.append(job) }
    ready.signal()
  }

  /// Lets the threads end once the queue is empty.
  public func stop() {
    queue.withLock { $0.isStopping = true }
    for _ in 0..<width { ready.signal() }
  }

  private func work() {
    while true {
      ready.wait()
      let (job, isStopping) = queue.withLock { ($0.pop(), $0.isStopping) }
      if let job {
        job.runSynchronously(on: asUnownedTaskExecutor())
        // A stage that waits goes on in another thread: what this one crashes over next is not its row's fault.
        CrashNote.working(on: nil)
      } else if isStopping {
        return
      }
    }
  }
}

/// The system granted no thread at all.
public struct ThreadsUnavailable: Error, CustomStringConvertible {
  /// What to do about it.
  public let description = "the system grants no threads: raise the process limit (ulimit -u)"
}
