import CSystem
import Dispatch
public import IntakeCore
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A fixed number of threads that run tasks which prefer them; their work may block.
///
/// The cooperative pool has one thread a core and does not grow: two blocking calls on two cores stop
/// every other task, so decoding, encoding, fsync and HTTP each run on a pool of this kind.
public final class WorkerPool: TaskExecutor {
  private let queue = Mutex(JobQueue())
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
    add(Job(job: UnownedJob(job), executor: self, note: nil))
  }

  /// The same threads for the work on one item, which a crash of theirs is noted against.
  ///
  /// Every job of the task runs with the note, so it holds across `await` and for no other item.
  public func noting(_ name: String) -> any TaskExecutor { NotedExecutor(pool: self, note: name) }

  /// Lets the threads end once the queue is empty.
  public func stop() {
    queue.withLock { $0.isStopping = true }
    for _ in 0..<width { ready.signal() }
  }

  fileprivate func add(_ job: Job) {
    queue.withLock { $0.jobs.append(job) }
    ready.signal()
  }

  private func work() {
    while true {
      ready.wait()
      let (job, isStopping) = queue.withLock { ($0.pop(), $0.isStopping) }
      if let job {
        job.run()
      } else if isStopping {
        return
      }
    }
  }
}

/// A part of a task, up to its next `await`.
private struct Job: Sendable {
  let job: UnownedJob
  let executor: any TaskExecutor
  let note: String?

  func run() {
    CrashNote.working(on: note)
    job.runSynchronously(on: executor.asUnownedTaskExecutor())
    CrashNote.working(on: nil)
  }
}

private struct JobQueue {
  var jobs: [Job] = []
  var isStopping = false
  private var next = 0

  mutating func pop() -> Job? {
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

/// Hands the jobs of one item to a pool, with its name for the crash handler.
private final class NotedExecutor: TaskExecutor {
  private let pool: WorkerPool
  private let note: String

  init(pool: WorkerPool, note: String) {
    self.pool = pool
    self.note = note
  }

  func enqueue(_ job: consuming ExecutorJob) {
    pool.add(Job(job: UnownedJob(job), executor: self, note: note))
  }
}

/// The system granted no thread at all.
public struct ThreadsUnavailable: PrintableError {
  /// What to do about it.
  public let description = "the system grants no threads: raise the process limit (ulimit -u)"
}

/// Remembers across crashes which row the process was working on, so that one bad row cannot end every run.
///
/// The handler of the crash itself writes the note, in the thread that crashed: a `kill -9` blames nobody, and
/// neither do crashes of a neighbour.
public enum CrashNote {
  /// Takes the names that earlier crashes left in the file, one for each crash, and removes it.
  public static func take(from path: String) -> [String] {
    guard let bytes = try? Descriptor.open(path).wholeFile(atMost: 1 << 20) else { return [] }
    unlink(path)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// From now on a crash adds a line to the file.
  public static func arm(_ path: String) { csystem_crash_arm(path) }

  /// Says what the calling thread works on; nil for nothing.
  public static func working(on name: String?) { csystem_crash_item(name) }
}

/// A thread of our own, for work that blocks.
public enum SystemThread {
  /// Starts a detached thread; false when the system grants none.
  ///
  /// All signals are left to the thread that waits for them (see `SignalHub`).
  public static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
    let box = Unmanaged.passRetained(Body(run: body))
    #if canImport(Glibc)
      var thread = pthread_t()
    #else
      var thread: pthread_t?
    #endif
    let code = pthread_create(
      &thread, nil,
      { raw in
        #if canImport(Glibc)
          guard let raw else { return nil }
        #endif
        Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
        return nil
      }, box.toOpaque())
    guard code == 0 else {
      box.release()
      return false
    }
    #if canImport(Glibc)
      pthread_detach(thread)
    #else
      if let thread { pthread_detach(thread) }
    #endif
    return true
  }

  private final class Body {
    let run: @Sendable () -> Void
    init(run: @escaping @Sendable () -> Void) { self.run = run }
  }
}

/// Time from the kernel.
public enum SystemTime {
  /// Seconds since some start that never jumps; for durations and deadlines.
  public static var monotonic: Double { read(CLOCK_MONOTONIC) }

  /// Seconds since 1970-01-01 00:00 UTC; for records and signatures.
  public static var wall: Double { read(CLOCK_REALTIME) }

  private static func read(_ clock: clockid_t) -> Double {
    var time = timespec()
    guard clock_gettime(clock, &time) == 0 else { return 0 }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
