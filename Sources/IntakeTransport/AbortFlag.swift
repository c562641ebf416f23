import Synchronization

/// Ends an exchange early: may be raised from any thread, also from a cancellation handler.
///
/// libcurl looks at it whenever data moves and at least once a second.
public final class AbortFlag: Sendable {
  private let raised = Atomic<Bool>(false)

  /// Starts lowered.
  public init() {}

  /// Whether it was raised.
  public var isRaised: Bool { raised.load(ordering: .relaxed) }

  /// Asks for the end; there is no way back.
  public func raise() { raised.store(true, ordering: .relaxed) }
}
