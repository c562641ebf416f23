package import IntakeCore

/// How a sandbox is set up; every part has a default that works.
package struct SandboxConfiguration: Sendable {
  /// The port on 127.0.0.1; 0 takes a free one.
  package var port: UInt16 = 0
  /// What DCAMS expects in `user`.
  package var user = "sandbox"
  /// What DCAMS expects in `pass`.
  package var pass = "sandbox"
  /// What Noah expects in `X-Api-Key`; nil accepts any key of the right environment.
  package var apiKey: String?
  /// The caller's key in PEM, public or private; with one, Noah requires a valid `Api-Signature`.
  package var publicKey: [UInt8]?
  package var switches = SandboxSwitches()
  /// The faults to inject, in order of precedence.
  package var faults: [Fault] = []
  /// A directory that keeps the state across restarts, nil for memory only.
  package var stateDirectory: String?
  package var limits = ServerLimits()
  /// The most bytes of images kept in memory; older ones keep only size and hash.
  package var keptImageBytes = 256 << 20
  /// The most customers; further ones are refused.
  package var keptCustomers = 200_000
  /// The most customers kept whole; of older ones only key, status and number stay, so that memory is flat.
  ///
  /// No effect when a directory keeps the state.
  package var wholeCustomers = Int.max
  /// The most requests that `/sandbox/requests` remembers.
  package var keptRequests = 100_000
  /// The most presigned upload addresses that are valid at a time; the oldest go first.
  package var keptUploadAddresses = 100_000
  /// Seconds for which a presigned upload address works.
  package var uploadLifetime = 900

  package init() {}

  /// What it keeps, in a sentence for `sandbox --help`.
  package var kept: String {
    let whole = wholeCustomers < .max ? ", \(Page.grouped(wholeCustomers)) of them whole" : ""
    return
      "\(Page.grouped(keptCustomers)) customers\(whole), \(keptImageBytes >> 20) MiB of images and "
      + "\(Page.grouped(keptRequests)) requests"
  }

  /// Accepts these credentials: `user` and `pass`, `apiKey`, `publicKey` or `privateKey`.
  package mutating func adopt(_ credentials: Credentials) {
    let text: (String) -> String? = { name in
      credentials[name].map { String(decoding: $0.exposed, as: UTF8.self) }
    }
    user = text("user") ?? user
    pass = text("pass") ?? pass
    apiKey = text("apiKey") ?? apiKey
    publicKey = (credentials["publicKey"] ?? credentials["privateKey"])?.exposed ?? publicKey
  }
}

/// What the server allows; each limit protects the machine from a hostile or broken client.
package struct ServerLimits: Sendable {
  /// The most bytes of a request body; the default is the only size DCAMS publishes, 10 MB.
  package var body = 10_000_000
  /// The most bytes of request line and header fields together.
  package var head = 65_536
  /// The most connections at a time.
  package var connections = 128
  /// The most bytes of bodies held at a time, over all connections.
  package var bodiesInFlight = 128 << 20
  /// Milliseconds a connection may be idle between two requests.
  package var idle = 60_000
  /// Milliseconds a header may take from its first byte on.
  package var headTime = 10_000
  /// Milliseconds without a byte of the body before the client is given up.
  package var bodyGap = 15_000
  /// Milliseconds a whole body may take.
  package var bodyTime = 120_000
  /// Milliseconds the client may take to read an answer.
  package var answerTime = 60_000

  package init() {}
}

/// Why the sandbox cannot be set up or started: what is wrong, and what to do about it.
package struct SandboxError: Error, Equatable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

/// A point that the vendors' pages leave open.
enum SwitchName: String, CaseIterable {
  case createStatus = "create-status"
  case resetStatus = "reset-status"
  case statusLocation = "status-location"
  case update
  case frontOnUpdate = "front-on-update"
  case missingBack = "missing-back"
  case imagesAs = "images-as"
  case storedImages = "stored-images"
  case storedFields = "stored-fields"
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
    case .storedFields:
      (["kept", "respelt"], "whether DCAMS keeps fields or respells them: capitals, ST for Street")
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
package struct SandboxSwitches: Sendable {
  private var chosen: [SwitchName: String] = [:]

  package init() {}

  subscript(name: SwitchName) -> String { chosen[name] ?? name.definition.values[0] }

  /// Sets a switch as `--switch` spells it: `name=value`.
  package mutating func set(_ text: String) throws(SandboxError) {
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
  package static var words: [String] {
    SwitchName.allCases.flatMap { name in name.definition.values.map { "\(name.rawValue)=\($0)" } }
  }

  /// One line a switch, for `sandbox --help`; the first value of each is the default.
  package static var help: String {
    let width = SwitchName.allCases.map(\.rawValue.utf8.count).max() ?? 0
    return SwitchName.allCases.map { name in
      let (values, summary) = name.definition
      return
        "  \(name.rawValue.padded(to: width))  \(summary): \(values.joined(separator: "|"))"
    }.joined(separator: "\n")
  }
}
