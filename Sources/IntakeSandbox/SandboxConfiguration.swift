public import IntakeCore

/// How a sandbox is set up; every part has a default that works.
public struct SandboxConfiguration: Sendable {
  /// The port on 127.0.0.1; 0 takes a free one.
  public var port: UInt16 = 0
  /// What DCAMS wants in `user`.
  public var user = "sandbox"
  /// What DCAMS wants in `pass`.
  public var pass = "sandbox"
  /// What Noah wants in `X-Api-Key`; nil accepts any key of the right environment.
  public var apiKey: String?
  /// The caller's key in PEM, public or private; with one, Noah wants a valid `Api-Signature`.
  public var publicKey: [UInt8]?
  /// The switches.
  public var switches = SandboxSwitches()
  /// The faults to inject, in order of precedence.
  public var faults: [Fault] = []
  /// A directory that keeps the state across restarts, nil for memory only.
  public var stateDirectory: String?
  /// What the server puts up with.
  public var limits = ServerLimits()
  /// The most bytes of images kept in memory; older ones keep only size and hash.
  public var keptImageBytes = 256 << 20
  /// The most customers.
  public var keptCustomers = 200_000
  /// The most customers kept whole; of older ones only key, status and number stay, so that memory is flat.
  ///
  /// Without effect where a directory keeps the state.
  public var wholeCustomers = Int.max
  /// The most requests that `/sandbox/requests` remembers.
  public var keptRequests = 100_000
  /// The most presigned upload addresses that are good at a time; the oldest give way.
  public var keptUploadAddresses = 100_000
  /// Seconds for which a presigned upload address works.
  public var uploadLifetime = 900

  /// The defaults.
  public init() {}

  /// What it keeps, in a sentence for `sandbox --help`.
  public var kept: String {
    let whole = wholeCustomers < .max ? ", \(Page.grouped(wholeCustomers)) of them whole" : ""
    return
      "\(Page.grouped(keptCustomers)) customers\(whole), \(keptImageBytes >> 20) MiB of images and "
      + "\(Page.grouped(keptRequests)) requests"
  }

  /// Lets in who has these credentials: `user` and `pass`, `apiKey`, `publicKey` or `privateKey`.
  public mutating func adopt(_ credentials: Credentials) {
    let text: (String) -> String? = { name in
      credentials[name].map { String(decoding: $0.exposed, as: UTF8.self) }
    }
    user = text("user") ?? user
    pass = text("pass") ?? pass
    apiKey = text("apiKey") ?? apiKey
    publicKey = (credentials["publicKey"] ?? credentials["privateKey"])?.exposed ?? publicKey
  }
}

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

/// Why the sandbox cannot be set up or started.
public struct SandboxError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence: what is wrong, and what to do about it.
  public let description: String

  /// Makes an error of its sentence.
  public init(_ description: String) { self.description = description }

  static func cannotListen(port: UInt16, errno code: Int32) -> SandboxError {
    SandboxError(
      "cannot listen on 127.0.0.1:\(port) (errno \(code)): choose a port above 1023, or 0")
  }
}
