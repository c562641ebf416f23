import IntakeCore

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
      (
        ["kept", "omitted", "reencoded"],
        "how getDocumentImages returns what was stored"
      )
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
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let given = String(parts[0])
    guard let name = SwitchName(rawValue: given) else {
      let nearest = NearestName.suggestion(for: given, among: SwitchName.allCases.map(\.rawValue))
      throw SandboxError("there is no switch \"\(Sanitizer.clean(given, limit: 60))\"\(nearest)")
    }
    let values = name.definition.values
    guard parts.count > 1, let value = values.first(where: { $0 == parts[1] }) else {
      throw SandboxError("\(given): the value is one of \(values.joined(separator: ", "))")
    }
    chosen[name] = value
  }

  /// One line a switch, for `sandbox --help`; the first value of each is the default.
  public static var help: String {
    let width = SwitchName.allCases.map(\.rawValue.utf8.count).max() ?? 0
    return SwitchName.allCases.map { name in
      let padding = String(repeating: " ", count: width - name.rawValue.utf8.count)
      let (values, summary) = name.definition
      return "  \(name.rawValue)\(padding)  \(summary): \(values.joined(separator: "|"))"
    }.joined(separator: "\n")
  }
}
