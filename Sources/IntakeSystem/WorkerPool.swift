import CSystem
import Dispatch
public import IntakeCore
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A fixed number of threads for tasks that may block.
///
/// The cooperative pool has one thread a core and doesn't grow: on two cores, two blocking calls stop every other task.
public final class WorkerPool: TaskExecutor {
  private let queue = Mutex(JobQueue())
  private let ready = DispatchSemaphore(value: 0)
  /// Threads that were asked for.
  public let width: Int

  /// Starts the threads, or fewer if the system grants no more.
  ///
  /// - Throws: `ThreadsUnavailable` if not even one can be started.
  public init(threads: Int) throws(ThreadsUnavailable) {
    width = max(1, threads)
    let started = (0..<width).count { _ in SystemThread.start { self.work() } }
    guard started > 0 else { throw ThreadsUnavailable() }
  }

  /// Takes a job from the concurrency runtime.
  public func enqueue(_ job: consuming ExecutorJob) {
    add(Job(job: UnownedJob(job), executor: self, note: nil))
  }

  /// The same threads for the work on one item, on which a crash is blamed.
  ///
  /// The name goes with each job of the task, so it holds across `await` and for no other item.
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

  /// Drops the jobs that were taken once they are half of a long queue: amortised constant time.
  private mutating func compact() {
    guard next > 64, next * 2 > jobs.count else { return }
    jobs.removeFirst(next)
    next = 0
  }
}

/// Passes the jobs of one item to a pool, with its name for the crash handler.
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

/// Remembers which row a process was working on when it crashed, so that one bad row can't end every run.
///
/// The signal handler writes the note, in the thread that crashed: neither `kill -9` nor another row's crash is blamed
/// on a row.
public enum CrashNote {
  /// Takes the names that crashes have left in the file, one for each, and removes the file.
  public static func take(from path: String) -> [String] {
    guard let bytes = try? Descriptor.open(path).wholeFile(atMost: 1 << 20) else { return [] }
    unlink(path)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// From now on a crash adds a line to the file.
  public static func arm(_ path: String) { csystem_crash_arm(path) }

  /// Names what the calling thread works on; nil for nothing.
  public static func working(on name: String?) { csystem_crash_item(name) }
}

/// Threads beside those of the concurrency runtime, for work that blocks.
public enum SystemThread {
  /// Starts a detached thread; false when the system grants none.
  ///
  /// All signals are left to the thread that waits for them (see `SignalHub`).
  public static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
    let box = Unmanaged.passRetained(Body(run: body))
    let code = csystem_start_thread(
      { body in
        if let body { Unmanaged<Body>.fromOpaque(body).takeRetainedValue().run() }
        return nil
      }, box.toOpaque())
    if code != 0 { box.release() }
    return code == 0
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

/// A bounded number of permits, first come, first served; tasks wait without holding a thread.
public final class Permits: Sendable {
  private struct Waiter {
    let amount: Int
    let resume: CheckedContinuation<Void, Never>
  }

  private struct State {
    var capacity: Int
    var used = 0
    var waiters: [Waiter] = []

    /// Takes out the waiters that now fit.
    ///
    /// When nothing is in use, one gets in whatever it needs, so that an item over the capacity can pass alone.
    mutating func admit() -> [Waiter] {
      var admitted: [Waiter] = []
      while let first = waiters.first, used == 0 || used + first.amount <= capacity {
        used += first.amount
        admitted.append(waiters.removeFirst())
      }
      return admitted
    }
  }

  private let state: Mutex<State>

  /// Starts with that many permits.
  public init(capacity: Int) { state = Mutex(State(capacity: max(1, capacity))) }

  /// Waits for permits.
  public func enter(_ amount: Int = 1) async {
    await withCheckedContinuation { continuation in
      change { $0.waiters.append(Waiter(amount: amount, resume: continuation)) }
    }
  }

  /// Returns permits.
  public func leave(_ amount: Int = 1) { change { $0.used -= amount } }

  /// Changes how many permits there are; those in use are not taken away.
  public func resize(to capacity: Int) { change { $0.capacity = max(1, capacity) } }

  private func change(_ body: (inout State) -> Void) {
    let admitted = state.withLock { state in
      body(&state)
      return state.admit()
    }
    for waiter in admitted { waiter.resume.resume() }
  }
}

/// Lets one operation a name run at a time, first come, first served; tasks wait without holding a thread.
public final class NamedLocks<Name: Hashable & Sendable>: Sendable {
  /// The names that are taken, with those who wait for each.
  private let waiting = Mutex<[Name: [CheckedContinuation<Void, Never>]]>([:])

  /// Starts with no name taken.
  public init() {}

  /// Waits until nobody else has the name.
  public func lock(_ name: Name) async {
    await withCheckedContinuation { continuation in
      let isFree = waiting.withLock { waiting in
        guard waiting[name] == nil else {
          waiting[name]?.append(continuation)
          return false
        }
        waiting[name] = []
        return true
      }
      if isFree { continuation.resume() }
    }
  }

  /// Passes the name on.
  public func unlock(_ name: Name) {
    let next = waiting.withLock { waiting -> CheckedContinuation<Void, Never>? in
      guard var queue = waiting[name], !queue.isEmpty else {
        waiting[name] = nil
        return nil
      }
      let next = queue.removeFirst()
      waiting[name] = queue
      return next
    }
    next?.resume()
  }
}
