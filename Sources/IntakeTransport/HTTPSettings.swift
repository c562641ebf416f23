/// How requests are sent; the times bound every attempt, whatever the server does.
public struct HTTPSettings: Sendable {
  /// Seconds for one attempt, from resolving the name to the last byte of the answer; 0.05 to 3600.
  public var deadline: Double = 60
  /// Seconds of those for name, connection and TLS; 0.05 to 600.
  public var connectTimeout: Double = 10
  /// Seconds in which a server must take in 1,000 bytes of the body for each; slower than that is a stall.
  public var stallWindow: Double = 20
  /// The most bytes of an answer's body.
  public var answerLimit = 1 << 20
  /// A PEM file with the only authorities to trust; nil for the system's.
  public var caFile: String?
  /// When to ask the server before the body goes out.
  public var expect = ExpectPolicy.auto
  /// Whether a connection is kept for the next request; off only where a test needs it.
  public var keepsConnections = true

  /// The defaults.
  public init() {}
}

/// When `Expect: 100-continue` goes with a request (RFC 9110 §10.1.1).
public enum ExpectPolicy: String, Sendable, CaseIterable {
  /// With bodies over 64 KiB, for as long as the server answers in time.
  case auto
  /// With every body, for as long as the server answers in time.
  case always
  /// Never.
  case never

  /// Every row with an image is above this; a status change below it would wait longer than it takes to send.
  static let threshold = 65_536

  func asks(bodySize: Int) -> Bool {
    switch self {
    case .auto: return bodySize > ExpectPolicy.threshold
    case .always: return bodySize > 0
    case .never: return false
    }
  }
}
