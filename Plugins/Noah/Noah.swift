public import IntakeCore

/// Builds requests for Noah's Business API (docs.noah.com, "Create/Update Customer").
public struct Noah: Assembler {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option("the request for each row") var operation = NoahOperation.putCustomer
    @Option("legacy leaves out Type, Email and PhoneNumber, which the older pages do not know")
    var schema = NoahSchema.typed
    @Option(
      "upload the scans of each row, once its customer is accepted, as the row's first identity")
    var documents = NoahDocuments.none
    @Option("send rows without an identity document, as an empty list")
    var allowNoIdentity = false
    // Fields with limits add up to less than 2 KB, and each identity to 200 bytes.
    @Option(
      "the most bytes the serialized customer may have", in: 1_000...10_000_000, unit: "bytes")
    var maxBody = 65_536
    // Nothing is published; the strictest of the comparable vendors that name a limit take 3 MB and more.
    @Option("the most bytes one uploaded scan may have", in: 10_000...100_000_000, unit: "bytes")
    var maxDocument = 10_000_000

    /// Every option with its default.
    public init() {}
  }

  /// `noah`.
  public static let name = "noah"
  /// What it does.
  public static let summary = "build the request for a Noah customer and read its answer"
  /// An entry that works.
  public static let example = #"{"stage":"noah","schema":"typed"}"#

  let rules: NoahRules
  let uploads: NoahUploads?
  private let options: Options
  /// The receiving API.
  public let target: any Target = NoahTarget()

  /// Takes checked options.
  public init(options: Options) {
    self.options = options
    rules = NoahRules(schema: options.schema, needsIdentity: !options.allowNoIdentity)
    uploads =
      options.documents == .upload
      ? NoahUploads(maxBytes: options.maxDocument) : nil
  }

  /// A customer's request holds no image; they are read where they are uploaded after it.
  public var sendsImages: Bool { uploads != nil }

  /// The customer's id.
  public func identity(of record: IntakeRecord) -> Personal<[UInt8]>? {
    NoahCustomerID(in: record.fields).map { RowIdentity.of(id: $0.text) }
  }

  /// Everything that the vendor would refuse, found before anything is sent.
  public func problems(in record: IntakeRecord) -> [StageFailure] {
    rules.problems(in: record) + (uploads?.problems(in: record) ?? [])
  }

  /// Scans and a status that are not sent.
  public func notices(about record: IntakeRecord) -> [String] {
    var notices: [String] = []
    if uploads == nil, !record.images.isEmpty {
      notices.append(
        "the images of the rows are not sent: Noah's customers hold none; "
          + "--set noah.documents=upload uploads them after each customer")
    }
    if uploads != nil, record.images.isEmpty {
      notices.append(
        "rows without front and back upload nothing, though noah.documents=upload asks for it")
    }
    if record.fields[.status] != nil {
      notices.append("column \"status\" is not sent: Noah decides on the status itself")
    }
    return notices
  }

  /// Nothing: the customer's request holds no image.
  public func imageBudget(for record: IntakeRecord) -> Int? { nil }

  /// Puts the request together; key and signature are added at each attempt.
  public func run(_ assembly: consuming Assembly, in context: StageContext) throws -> Submission {
    let fields = assembly.record.fields
    guard let id = NoahCustomerID(in: fields) else {
      throw StageFailure(.missingValue, NoahCustomerID.rule, column: ColumnName(.id))
    }
    let body = NoahBody.json(fields, schema: rules.schema)
    var submission = Submission(
      method: "PUT", path: id.path, headers: [HTTPField("Content-Type", "application/json")],
      body: [.bytes(Array(body.text.utf8))], operation: options.operation.rawValue,
      repeatSafety: .idempotent, customer: Personal(id.text), bodyLimit: options.maxBody,
      target: NoahTarget(identities: NoahBody.identityNumbers(in: fields)))
    submission.followUps = uploads?.followUps(of: id, fields, assembly.images) ?? []
    return submission
  }
}

extension Noah {
  /// The vendor: its address, its credentials, and the request about one customer.
  public static let vendor: Vendor? = Vendor(
    name: name, endpoint: "https://api.noah.com/v1",
    credentials: [
      CredentialField("apiKey"), CredentialField("privateKeyFile", isRequired: false),
    ],
    shownFields: ["Type"],
    commands: [
      CustomerCommand(
        "get", summary: "ask for one customer (Noah GET customer)",
        options: [
          CustomerOption(
            "id", value: "ID", help: "the customer's id", inRow: [.id, .reference])
        ]
      ) { values throws(StageFailure) in
        try getCustomer(id: values["id"] ?? "")
      }
    ],
    emulation: Emulation(
      name: "noah-sandbox", path: "/v1", credentials: ["apiKey": "apikey_sandbox_docintake"]))

  /// The request that reads one customer.
  ///
  /// - Throws: `StageFailure` when Noah doesn't take such an id.
  public static func getCustomer(id: String) throws(StageFailure) -> Submission {
    guard let id = NoahCustomerID(id) else {
      throw StageFailure(
        .invalidValue, "the customer's id has to be \(NoahCustomerID.form)",
        hint: "give the id under which the customer was sent")
    }
    return NoahTarget().getCustomer(id)
  }
}

/// The requests that a row can become.
enum NoahOperation: String, CaseIterable { case putCustomer }

/// What becomes of a row's scans.
enum NoahDocuments: String, CaseIterable { case none, upload }

/// Which of the two published forms of a customer is sent.
enum NoahSchema: String, CaseIterable {
  /// With `Type: Individual`, `Email` and `PhoneNumber`.
  case typed
  /// Without them.
  case legacy
}
