public import IntakeCore
import Synchronization

/// What a run is about at this moment, for whoever asks in the middle of it.
public final class RunMonitor: Sendable {
  /// What is under way, and how the target is.
  public struct Activity: Sendable {
    /// Rows that were begun and have not ended.
    public internal(set) var rows = 0
    /// Requests that were sent and not answered yet, questions about rows in doubt included.
    public internal(set) var requests = 0
    /// Since when the target is down, nil while it is not.
    public internal(set) var downSince: UnixTime?
  }

  private let activity = Mutex(Activity())

  /// Starts with nothing under way.
  public init() {}

  /// What is under way now.
  public var now: Activity { activity.withLock(\.self) }

  func note(_ change: (inout Activity) -> Void) { activity.withLock { change(&$0) } }
}
