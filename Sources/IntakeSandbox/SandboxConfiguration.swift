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

/// The points on which the vendors' pages leave open what a server does; each is a switch.
enum SwitchName: String, CaseIterable {
  case createStatus = "create-status"
  case resetStatus = "reset-status"
  case statusLocation = "status-location"
  case update
  case frontOnUpdate = "front-on-update"
  case missingBack = "missing-back"
  case imagesAs = "images-as"
  case storedImages = "stored-images"
  case images
  case errorCode = "error-code"
  case customerLink = "customer-link"
  case noahProfile = "noah-profile"
  case noahCodes = "noah-codes"
  case noahMissing = "noah-missing"
  case noahEnvironment = "noah-environment"
  case noahPlainHTTP = "noah-plain-http"

  /// The values it takes, the first by default, and what it decides.
  var definition: (values: [String], summary: String) {
    switch self {
    case .createStatus: (["PENDING", "PASS", "FAIL"], "status of a new DCAMS customer")
    case .resetStatus: (["off", "on"], "whether an update sets the status back to create-status")
    case .statusLocation:
      (["documented", "top", "target", "both"], "where DCAMS answers carry the status")
    case .update:
      (["merge", "replace"], "whether an update keeps or forgets what it does not name")
    case .frontOnUpdate:
      (["required", "optional"], "whether an update must bring the front image again")
    case .missingBack:
      (["absent", "empty", "null"], "how getDocumentImages shows a back that was never sent")
    case .imagesAs: (["raw", "data-uri"], "how getDocumentImages writes images")
    case .storedImages:
      (["kept", "omitted", "reencoded"], "how getDocumentImages returns what was stored")
    case .images:
      (["any", "recognised"], "whether DCAMS takes any bytes as an image, or JPEG and PNG only")
    case .errorCode: (["documented", "200"], "HTTP status of DCAMS errors")
    case .customerLink: (["documented", "absent"], "whether createOrUpdateCustomer answers a link")
    case .noahProfile:
      (["any", "typed", "legacy", "strict"], "which of Noah's published schemas is enforced")
    case .noahCodes: (["documented", "200"], "whether PUT answers 201/204 or always 200")
    case .noahMissing: (["404", "400"], "HTTP status for an unknown CustomerID")
    case .noahEnvironment: (["sandbox", "prod"], "the environment that API keys must name")
    case .noahPlainHTTP:
      (["allowed", "refused"], "whether Noah answers plain HTTP, as the sandbox speaks it")
    }
  }
}

/// The chosen value of every switch.
public struct SandboxSwitches: Sendable {
  private var chosen: [SwitchName: String] = [:]

  /// All at their defaults.
  public init() {}

  subscript(name: SwitchName) -> String { chosen[name] ?? name.definition.values[0] }

  /// Sets a switch as `--switch` spells it: `name=value`.
  public mutating func set(_ text: String) throws(SandboxError) {
    let (given, wanted) = text.halves(at: "=") ?? (text, nil)
    guard let name = SwitchName(rawValue: given) else {
      let known = SwitchName.allCases.map(\.rawValue)
      throw SandboxError("there is no switch \(given.quoted(known: known))")
    }
    let values = name.definition.values
    guard let value = values.first(where: { $0 == wanted }) else {
      throw SandboxError("\(given): the value is one of \(values.joined(separator: ", "))")
    }
    chosen[name] = value
  }

  /// Everything that `--switch` takes.
  public static var words: [String] {
    SwitchName.allCases.flatMap { name in name.definition.values.map { "\(name.rawValue)=\($0)" } }
  }

  /// One line a switch, for `sandbox --help`; the first value of each is the default.
  public static var help: String {
    let width = SwitchName.allCases.map(\.rawValue.utf8.count).max() ?? 0
    return SwitchName.allCases.map { name in
      let (values, summary) = name.definition
      return
        "  \(name.rawValue.padded(to: width))  \(summary): \(values.joined(separator: "|"))"
    }.joined(separator: "\n")
  }
}
