public import IntakeCore

/// Builds requests for Noah's Business API (docs.noah.com, "Create/Update Customer").
public struct Noah: Assembler {
  static let operation = StageOption.choice(
    "operation", of: ["putCustomer"], default: "putCustomer", help: "the request for each row")
  static let schema = StageOption.choice(
    "schema", of: NoahSchema.allCases.map(\.rawValue), default: NoahSchema.typed.rawValue,
    help: "legacy leaves out Type, Email and PhoneNumber, which the older pages do not know")
  static let documents = StageOption.choice(
    "documents", of: ["none", "upload"], default: "none",
    help: "upload the scans of each row, once its customer is accepted, as the row's first identity"
  )
  // Nothing is published; the strictest of the comparable vendors that name a limit take 3 MB and more.
  static let maxDocument = StageOption.integer(
    "max-document", in: 10_000...100_000_000, default: 10_000_000, unit: "bytes",
    help: "the most bytes one uploaded scan may have")
  static let allowNoIdentity = StageOption.flag(
    "allow-no-identity", help: "send rows without an identity document, as an empty list")
  // Fields with limits add up to less than 2 KB, and each identity to 200 bytes.
  static let maxBody = StageOption.integer(
    "max-body", in: 1_000...10_000_000, default: 65_536, unit: "bytes",
    help: "the most bytes the serialized customer may have")

  /// What the stage says about itself.
  public static let descriptor = StageDescriptor(
    name: "noah", summary: "build the request for a Noah customer and read its answer",
    options: [operation, schema, documents].map(\.descriptor) + [
      allowNoIdentity.descriptor, maxBody.descriptor, maxDocument.descriptor,
    ],
    example: #"{"stage":"noah","schema":"typed"}"#)

  let rules: NoahRules
  let uploads: NoahUploads?
  let maxBody: Int
  /// The receiving API.
  public let target: any Target

  /// Reads the options.
  public init(options: StageOptions) throws(OptionError) {
    let schema = NoahSchema(rawValue: options[Self.schema]) ?? .typed
    rules = NoahRules(schema: schema, needsIdentity: !options[Self.allowNoIdentity])
    uploads =
      options[Self.documents] == "upload"
      ? NoahUploads(schema: schema, maxBytes: options[Self.maxDocument]) : nil
    maxBody = options[Self.maxBody]
    target = NoahTarget()
  }

  /// A customer's request holds no image; they are read where they are uploaded after it.
  public var sendsImages: Bool { uploads != nil }

  /// All that the vendor's page would refuse, so that nothing is sent to find it out.
  public func problems(in record: IntakeRecord) -> [StageFailure] {
    rules.problems(in: record) + (uploads?.problems(in: record) ?? [])
  }

  /// Scans and a status that stay here.
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
    let body = NoahBody(fields, schema: rules.schema)
    var submission = Submission(
      method: "PUT", path: id.path, headers: [HTTPField("Content-Type", "application/json")],
      body: [.bytes(Array(body.json.text.utf8))], operation: "putCustomer",
      repeatSafety: .idempotent, customer: Personal(id.text), bodyLimit: maxBody,
      target: NoahTarget(identities: NoahBody.identityNumbers(in: fields)))
    submission.followUps = uploads?.followUps(of: id, fields, assembly.images) ?? []
    return submission
  }

  /// The request that reads one customer.
  ///
  /// - Throws: `StageFailure` when the id is none that Noah takes.
  public static func getCustomer(id: String) throws(StageFailure) -> Submission {
    guard let id = NoahCustomerID(id) else {
      throw StageFailure(
        .invalidValue, "the customer's id has to be \(NoahCustomerID.form)",
        hint: "give the id under which the customer was sent")
    }
    return NoahTarget().getCustomer(id)
  }
}

/// Which of the two published shapes of a customer is sent.
enum NoahSchema: String, CaseIterable {
  /// With `Type: Individual`, `Email` and `PhoneNumber`.
  case typed
  /// Without them.
  case legacy
}
