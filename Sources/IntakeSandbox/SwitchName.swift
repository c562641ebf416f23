import IntakeCore

/// The points on which the vendors' pages leave open what a server does; each is a switch.
public enum SwitchName: String, Sendable, CaseIterable {
  case createStatus = "create-status"
  case resetStatus = "reset-status"
  case statusLocation = "status-location"
  case update
  case frontOnUpdate = "front-on-update"
  case missingBack = "missing-back"
  case imagesAs = "images-as"
  case images
  case errorCode = "error-code"
  case customerLink = "customer-link"
  case noahProfile = "noah-profile"
  case noahCodes = "noah-codes"
  case noahMissing = "noah-missing"
  case noahEnvironment = "noah-environment"
  case noahPlainHTTP = "noah-plain-http"

  /// The values it takes; the first is the default.
  public var values: [String] {
    switch self {
    case .createStatus: return ["PENDING", "PASS", "FAIL"]
    case .resetStatus: return ["off", "on"]
    case .statusLocation: return ["documented", "top", "target", "both"]
    case .update: return ["merge", "replace"]
    case .frontOnUpdate: return ["required", "optional"]
    case .missingBack: return ["absent", "empty", "null"]
    case .imagesAs: return ["raw", "data-uri"]
    case .images: return ["any", "recognised"]
    case .errorCode: return ["documented", "200"]
    case .customerLink: return ["documented", "absent"]
    case .noahProfile: return ["any", "typed", "legacy", "strict"]
    case .noahCodes: return ["documented", "200"]
    case .noahMissing: return ["404", "400"]
    case .noahEnvironment: return ["sandbox", "prod"]
    case .noahPlainHTTP: return ["allowed", "refused"]
    }
  }

  /// What it decides, in one line.
  public var summary: String {
    switch self {
    case .createStatus: return "status of a new DCAMS customer"
    case .resetStatus: return "whether an update sets the status back to create-status"
    case .statusLocation: return "where DCAMS answers carry the status"
    case .update: return "whether an update keeps or forgets what it does not name"
    case .frontOnUpdate: return "whether an update must bring the front image again"
    case .missingBack: return "how getDocumentImages shows a back that was never sent"
    case .imagesAs: return "how getDocumentImages writes images"
    case .images: return "whether DCAMS takes any bytes as an image, or JPEG and PNG only"
    case .errorCode: return "HTTP status of DCAMS errors"
    case .customerLink: return "whether createOrUpdateCustomer answers a link"
    case .noahProfile: return "which of Noah's published schemas is enforced"
    case .noahCodes: return "whether PUT answers 201/204 or always 200"
    case .noahMissing: return "HTTP status for an unknown CustomerID"
    case .noahEnvironment: return "the environment that API keys must name"
    case .noahPlainHTTP: return "whether Noah answers plain HTTP, as the sandbox speaks it"
    }
  }
}

/// The chosen value of every switch.
public struct SandboxSwitches: Sendable {
  private var chosen: [SwitchName: String] = [:]

  /// All at their defaults.
  public init() {}

  /// The value of a switch.
  public subscript(name: SwitchName) -> String { chosen[name] ?? name.values[0] }

  /// Sets a switch as `--switch` spells it: `name=value`.
  public mutating func set(_ text: String) throws(SandboxError) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let given = String(parts[0])
    guard let name = SwitchName(rawValue: given) else {
      let names = SwitchName.allCases.map(\.rawValue)
      let nearest = NearestName.suggestion(for: given, among: names)
      throw .option("there is no switch \"\(Sanitizer.clean(given, limit: 60))\"\(nearest)")
    }
    let value = parts.count > 1 ? String(parts[1]) : ""
    guard name.values.contains(value) else {
      let known = name.values.joined(separator: ", ")
      throw .option("\(given): the value is one of \(known)")
    }
    chosen[name] = value
  }

  /// One line a switch, for `sandbox --help`; the first value of each is the default.
  public static var help: String {
    let width = SwitchName.allCases.map(\.rawValue.utf8.count).max() ?? 0
    return SwitchName.allCases.map { name in
      let padding = String(repeating: " ", count: width - name.rawValue.utf8.count)
      return "  \(name.rawValue)\(padding)  \(name.summary): \(name.values.joined(separator: "|"))"
    }.joined(separator: "\n")
  }
}
