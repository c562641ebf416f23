/// What the server puts up with; each limit keeps a hostile or broken client from taking the machine.
public struct ServerLimits: Sendable {
  /// The most bytes of a request body; the default is the only size DCAMS publishes, 10 MB.
  public var body = 10_000_000
  /// The most bytes of request line and header fields together.
  public var head = 65_536
  /// The most connections at a time.
  public var connections = 128
  /// The most bytes of bodies held at a time, over all connections.
  public var bodiesInFlight = 128 << 20
  /// Milliseconds a connection may be idle between two requests.
  public var idle = 60_000
  /// Milliseconds a header may take from its first byte on.
  public var headTime = 10_000
  /// Milliseconds without a byte of the body before the client is given up.
  public var bodyGap = 15_000
  /// Milliseconds a whole body may take.
  public var bodyTime = 120_000
  /// Milliseconds an answer may take to be taken by the client.
  public var answerTime = 60_000

  /// The defaults.
  public init() {}
}
