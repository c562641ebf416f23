import Synchronization

/// Tells everybody whether to go on: nothing, the first signal, or the second.
public final class StopSwitch: Sendable {
  /// How urgent it is.
  public enum Level: Int, Sendable, Comparable {
    /// Go on.
    case none
    /// Start no further row, finish those in flight.
    case soon
    /// Stop sending at once; what was sent without an answer is in doubt.
    case now

    /// Later levels are more urgent.
    public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
  }

  private struct State {
    var level = Level.none
    var reason: String?
    var watchers: [Int: @Sendable (Level) -> Void] = [:]
    var nextWatcher = 0
  }

  private let state = Mutex(State())

  /// Starts with nothing asked for.
  public init() {}

  /// How urgent it is now.
  public var level: Level { state.withLock { $0.level } }

  /// Why, as it was first said.
  public var reason: String? { state.withLock { $0.reason } }

  /// Asks for a stop; a level is never lowered.
  public func request(_ level: Level, reason: String) {
    let watchers = state.withLock { state -> [@Sendable (Level) -> Void] in
      guard level > state.level else { return [] }
      state.level = level
      state.reason = state.reason ?? reason
      return Array(state.watchers.values)
    }
    for watcher in watchers { watcher(level) }
  }

  /// Calls back at every rise of the level until the token is handed to `forget`.
  public func watch(_ watcher: @escaping @Sendable (Level) -> Void) -> Int {
    state.withLock { state in
      state.nextWatcher += 1
      state.watchers[state.nextWatcher] = watcher
      return state.nextWatcher
    }
  }

  /// Ends the calls to a watcher.
  public func forget(_ token: Int) { _ = state.withLock { $0.watchers.removeValue(forKey: token) } }
}
