/// A receiving API as the command line knows it; an assembler names its own (`Assembler.vendor`).
///
/// `--to`, `docintake customer`, help, completion, the ledger's default name and what a dry run shows follow from it.
public struct Vendor: Sendable {
  /// The name in `--to`, and the name of its stage: `dcams`.
  public let name: String
  /// The address that the vendor documents, nil when each account has one of its own.
  public let endpoint: String?
  /// What the credentials file holds.
  public let credentials: [CredentialField]
  /// Names of JSON fields that hold nothing about a person: a dry run shows these and hides all others.
  public let shownFields: Set<String>
  /// The commands `docintake customer NAME`.
  public let commands: [CustomerCommand]
  /// How the sandbox serves the same API, nil when it doesn't.
  public let emulation: Emulation?

  /// Describes a vendor.
  public init(
    name: String, endpoint: String? = nil, credentials: [CredentialField] = [],
    shownFields: Set<String> = [], commands: [CustomerCommand] = [], emulation: Emulation? = nil
  ) {
    self.name = name
    self.endpoint = endpoint
    self.credentials = credentials
    self.shownFields = shownFields
    self.commands = commands
    self.emulation = emulation
  }

  /// Refuses missing or incomplete credentials before anything is read, and says what the file has to hold.
  public func require(_ given: Credentials?) throws(StageFailure) {
    let fields = credentials.map { "\(JSONText.quoted($0.name)):\"…\"" }.joined(separator: ",")
    guard let given else {
      guard credentials.contains(where: \.isRequired) else { return }
      throw StageFailure(
        .credentialsRefused,
        "--credentials is missing: \(name) needs a file that holds {\(fields)}",
        hint: "give --credentials FILE; chmod 600 the file", outcome: .fatal)
    }
    let missing = credentials.filter { $0.isRequired && given[$0.name] == nil }.map(\.name)
    guard missing.isEmpty else {
      throw StageFailure(
        .credentialsRefused, "the credentials have no \(missing.joined(separator: " and no "))",
        hint: "give --credentials with a file that holds {\(fields)}", outcome: .fatal)
    }
  }
}

/// One text of a credentials file.
public struct CredentialField: Sendable {
  /// The name in the file; `privateKeyFile` is read and becomes the secret `privateKey`.
  public let name: String
  /// Whether nothing can be sent without it.
  public let isRequired: Bool

  /// Describes a text of a credentials file.
  public init(_ name: String, isRequired: Bool = true) {
    self.name = name
    self.isRequired = isRequired
  }
}

/// How the sandbox stands in for a vendor.
public struct Emulation: Sendable {
  /// The name in `--to`: `sandbox`.
  public let name: String
  /// The path of its endpoint, such as `/v1`.
  public let path: String
  /// The credentials that every sandbox accepts unless it was given others.
  public let credentials: [String: String]

  /// Describes how the sandbox stands in for a vendor.
  public init(name: String, path: String, credentials: [String: String]) {
    self.name = name
    self.path = path
    self.credentials = credentials
  }
}

/// A request about one customer, `docintake customer NAME`; where vendors share a name, `--to` chooses.
public struct CustomerCommand: Sendable {
  /// The word after `customer`: `status`.
  public let name: String
  /// One line on what it does, with the vendor's name for the request.
  public let summary: String
  /// Its options; all of them are required.
  public let options: [CustomerOption]
  /// The words after `customer NAME` in an example, nil for none.
  public let example: String?
  /// The path in the answer of an object of base64 images by side; they go to files in the folder of `--output`.
  public let images: [String]
  /// Makes the request of the values by the names of their options; fails with what is wrong with a value.
  public let request: @Sendable ([String: String]) throws(StageFailure) -> Submission

  /// Describes a request about one customer.
  public init(
    _ name: String, summary: String, options: [CustomerOption], example: String? = nil,
    images: [String] = [],
    request: @escaping @Sendable ([String: String]) throws(StageFailure) -> Submission
  ) {
    self.name = name
    self.summary = summary
    self.options = options
    self.example = example
    self.images = images
    self.request = request
  }
}

/// An option of a request about one customer.
public struct CustomerOption: Sendable {
  /// The name without hyphens: `email`.
  public let name: String
  /// How help shows the value: `E|-`.
  public let value: String
  /// The values it takes, empty for any text.
  public let choices: [String]
  /// Whether `-` reads the value from standard input, to keep it out of the list of processes.
  public let readsInput: Bool
  /// One line on what it is.
  public let help: String
  /// The columns of which a row has it in the first that is filled: `--manifest` and `--row` may stand for it then.
  public let inRow: [Column]

  /// Describes an option.
  public init(
    _ name: String, value: String = "TEXT", choices: [String] = [], readsInput: Bool = false,
    help: String, inRow: [Column] = []
  ) {
    self.name = name
    self.value = value
    self.choices = choices
    self.readsInput = readsInput
    self.help = help
    self.inRow = inRow
  }
}

extension StageRegistry {
  /// Every vendor that a stage brings, in the order of the stages.
  public var vendors: [Vendor] { entries.compactMap(\.vendor) }
}

extension StageEntry {
  /// Whose API an assembler builds requests for, nil for other stages.
  public var vendor: Vendor? { (plugin as? any Assembler.Type)?.vendor }

  /// Names of JSON fields in an assembler's requests that hold nothing about a person.
  public var shownFields: Set<String> { (plugin as? any Assembler.Type)?.shownFields ?? [] }
}
