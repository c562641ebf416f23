import Synchronization

/// A bounded number of permits, handed out in the order of asking; tasks wait without holding a thread.
public final class Permits: Sendable {
  private struct Waiter {
    let amount: Int
    let resume: CheckedContinuation<Void, Never>
  }

  private struct State {
    var capacity: Int
    var used = 0
    var waiters: [Waiter] = []

    /// Takes out the waiters that now fit, first come first served.
    ///
    /// Somebody always gets in when nothing is used, so that one item over the capacity can pass alone.
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

  /// Gives permits back.
  public func leave(_ amount: Int = 1) { change { $0.used -= amount } }

  /// Changes how many permits there are; those in use above it are not taken away.
  public func resize(to capacity: Int) { change { $0.capacity = max(1, capacity) } }

  private func change(_ body: (inout State) -> Void) {
    let admitted = state.withLock { state in
      body(&state)
      return state.admit()
    }
    for waiter in admitted { waiter.resume.resume() }
  }
}

/// Lets one operation a name run at a time, in the order of asking; tasks wait without holding a thread.
public final class NamedLocks<Name: Hashable & Sendable>: Sendable {
  /// The names that are taken, with who waits for each.
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

  /// Lets the next one have the name.
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
