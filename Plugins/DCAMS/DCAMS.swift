public import IntakeCore

/// Builds requests for Veratad DCAMS storage (api.veratad.com, "ID Document Storage").
public struct DCAMS: Assembler {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option("the service to call for each row")
    var operation = DCAMSOperation.createOrUpdateCustomer
    // The vendor's storage pages name no limit; their Manual Review page says 10 MB for the whole request.
    @Option(
      "the most bytes the serialized request may have, credentials included",
      in: 2_000...100_000_000, unit: "bytes")
    var maxBody = 10_000_000

    /// Every option with its default.
    public init() {}
  }

  /// `dcams`.
  public static let name = "dcams"
  /// What it does.
  public static let summary = "build the request for Veratad DCAMS storage and read its answer"
  /// An entry that works.
  public static let example = #"{"stage":"dcams","operation":"createOrUpdateCustomer"}"#

  private let options: Options
  private var operation: DCAMSOperation { options.operation }
  /// The receiving API.
  public let target: any Target = DCAMSTarget()

  /// Takes checked options.
  public init(options: Options) { self.options = options }

  /// updateStatus sends none.
  public var sendsImages: Bool { operation == .createOrUpdateCustomer }

  /// The e-mail, whose letter case does not count; nil where there is none, because many rows may have "n/a" there.
  public func identity(of record: IntakeRecord) -> Personal<[UInt8]>? {
    record.fields[.email].flatMap { email in
      EmailAddress.problem(in: email.exposed) == nil ? RowIdentity.of(email: email.exposed) : nil
    }
  }

  /// What the vendor would refuse, and what a row of this operation cannot do without.
  public func problems(in record: IntakeRecord) -> [StageFailure] {
    operation.problems(in: record)
  }

  /// A status that is not sent.
  public func notices(about record: IntakeRecord) -> [String] {
    guard operation == .createOrUpdateCustomer, record.fields[.status] != nil else { return [] }
    return [
      "column \"status\" is not sent by createOrUpdateCustomer "
        + "(did you mean --operation updateStatus?)"
    ]
  }

  /// What the limit leaves after all fields.
  public func imageBudget(for record: IntakeRecord) -> Int? {
    let empty = DCAMSBody.row(Assembly(record: record, images: [:]), operation)
    return imageBudget(of: options.maxBody, beside: empty, images: record.images.count)
  }

  /// Puts the request together; credentials stay out.
  public func run(_ assembly: consuming Assembly, in context: StageContext) throws -> Submission {
    let email = assembly.record.fields[.email]?.exposed ?? ""
    return Submission(
      method: "POST", path: "", headers: [HTTPField("Content-Type", "application/json")],
      body: DCAMSBody.row(assembly, operation), operation: operation.rawValue,
      repeatSafety: .converges,
      customer: Personal(email.lowercased()), bodyLimit: options.maxBody, target: target)
  }
}

extension DCAMS {
  /// The vendor: its address, its credentials, and the requests about one customer.
  public static let vendor: Vendor? = Vendor(
    name: name, endpoint: "https://dcams.app/v3/stable/api/storage",
    credentials: [CredentialField("user"), CredentialField("pass")],
    shownFields: ["service", "reference", "documents"],
    commands: [
      CustomerCommand(
        "status", summary: "ask for the status of one customer (DCAMS getStatus)",
        options: [email], example: "--email - --credentials dcams.json < email.txt"
      ) { values throws(StageFailure) in
        getStatus(email: try address(values))
      },
      CustomerCommand(
        "images", summary: "fetch the images of one customer (DCAMS getDocumentImages)",
        options: [email], images: ["target", "documents"]
      ) { values throws(StageFailure) in
        getDocumentImages(email: try address(values))
      },
      CustomerCommand(
        "set-status", summary: "set the status of one customer (DCAMS updateStatus)",
        options: [
          email,
          CustomerOption("status", choices: ["PASS", "PENDING", "FAIL"], help: "the new status"),
        ]
      ) { values throws(StageFailure) in
        updateStatus(email: try address(values), status: values["status"] ?? "")
      },
    ],
    emulation: Emulation(
      name: "sandbox", path: "/v3/stable/api/storage",
      credentials: ["user": "sandbox", "pass": "sandbox"]))

  private static let email = CustomerOption(
    "email", value: "E|-", readsInput: true,
    help: "the customer; - reads it from standard input, to keep it out of argv",
    inRow: [.email])

  private static func address(_ values: [String: String]) throws(StageFailure) -> String {
    let words = (values["email"] ?? "").split(whereSeparator: \.isWhitespace)
    guard words.count == 1, words[0].contains("@"), words[0].utf8.count <= EmailAddress.longest
    else {
      throw StageFailure(
        .invalidValue, "--email isn't a valid e-mail address",
        hint: "give the address under which the customer was sent")
    }
    return String(words[0])
  }

  static let getStatusName = "getStatus"

  /// Asks for the status and the fields of a customer.
  public static func getStatus(email: String) -> Submission {
    request(getStatusName, email: email, .safe)
  }

  /// Asks for the images of a customer.
  public static func getDocumentImages(email: String) -> Submission {
    request("getDocumentImages", email: email, .safe)
  }

  /// Sets the status of a customer: PASS, PENDING or FAIL.
  public static func updateStatus(email: String, status: String) -> Submission {
    request("updateStatus", email: email, .converges, [("status", status)])
  }

  private static func request(
    _ service: String, email: String, _ safety: RepeatSafety, _ more: [(String, String)] = []
  ) -> Submission {
    Submission(
      method: "POST", path: "", headers: [HTTPField("Content-Type", "application/json")],
      body: DCAMSBody.request(service: service, target: [("email", email)] + more),
      operation: service, repeatSafety: safety, customer: Personal(email.lowercased()),
      bodyLimit: 100_000, target: DCAMSTarget())
  }
}
