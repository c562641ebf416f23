import Synchronization

/// A bounded number of permits, handed out in the order of asking; tasks wait without holding a thread.
public final class PermitPool: Sendable {
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
      let admitted = state.withLock { state in
        state.waiters.append(Waiter(amount: amount, resume: continuation))
        return state.admit()
      }
      for waiter in admitted { waiter.resume.resume() }
    }
  }

  /// Gives permits back.
  public func leave(_ amount: Int = 1) { change { $0.used -= amount } }

  /// Changes how many permits there are; those in use above it are not taken away.
  public func resize(to capacity: Int) { change { $0.capacity = max(1, capacity) } }

  /// Does something while holding permits.
  public func holding<Result>(_ amount: Int = 1, _ body: () async throws -> Result) async rethrows
    -> Result
  {
    await enter(amount)
    defer { leave(amount) }
    return try await body()
  }

  private func change(_ body: (inout State) -> Void) {
    let admitted = state.withLock { state in
      body(&state)
      return state.admit()
    }
    for waiter in admitted { waiter.resume.resume() }
  }
}
