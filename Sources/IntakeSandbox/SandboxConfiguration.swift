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
