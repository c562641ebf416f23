public import IntakeCore

/// Builds requests for Noah's Business API (docs.noah.com, "Create/Update Customer").
public struct Noah: Assembler {
  static let operation = StageOption.choice(
    "operation", of: ["putCustomer"], default: "putCustomer", help: "the request for each row")
  static let schema = StageOption.choice(
    "schema", of: NoahSchema.allCases.map(\.rawValue), default: NoahSchema.typed.rawValue,
    help: "legacy leaves out Type, Email and PhoneNumber, which the older pages do not know")
  static let allowNoIdentity = StageOption.flag(
    "allow-no-identity", help: "send rows without an identity document, as an empty list")
  // Fields with limits add up to less than 2 KB, and each identity to 200 bytes.
  static let maxBody = StageOption.integer(
    "max-body", in: 1_000...10_000_000, default: 65_536, unit: "bytes",
    help: "the most bytes the serialized customer may have")

  /// What the stage says about itself.
  public static let descriptor = StageDescriptor(
    name: "noah", summary: "build the request for a Noah customer and read its answer",
    options: [operation, schema].map(\.descriptor) + [
      allowNoIdentity.descriptor, maxBody.descriptor,
    ],
    example: #"{"stage":"noah","schema":"typed"}"#)

  let rules: NoahRules
  let maxBody: Int
  /// The receiving API.
  public let target: any Target

  /// Reads the options.
  public init(options: StageOptions) throws(OptionError) {
    let schema = NoahSchema(rawValue: options[Self.schema]) ?? .typed
    rules = NoahRules(schema: schema, needsIdentity: !options[Self.allowNoIdentity])
    maxBody = options[Self.maxBody]
    target = NoahTarget()
  }

  /// A customer's request holds no image, so none is read.
  public var sendsImages: Bool { false }

  /// All that the vendor's page would refuse, so that nothing is sent to find it out.
  public func problems(in record: IntakeRecord) -> [StageFailure] { rules.problems(in: record) }

  /// Nothing: the customer's request holds no image.
  public func imageBudget(for record: IntakeRecord) -> Int? { nil }

  /// Puts the request together; key and signature are added at each attempt.
  public func run(_ assembly: consuming Assembly, in context: StageContext) throws -> Submission {
    let fields = assembly.record.fields
    guard let id = NoahCustomerID(in: fields) else {
      throw StageFailure(.missingValue, NoahCustomerID.rule, column: ColumnName(.id))
    }
    let body = NoahBody(fields, schema: rules.schema)
    return Submission(
      method: "PUT", path: id.path, headers: [HTTPField("Content-Type", "application/json")],
      body: [.bytes(Array(body.json.text.utf8))], operation: "putCustomer",
      repeatSafety: .idempotent, customer: Personal(id.text), bodyLimit: maxBody,
      target: NoahTarget(identities: NoahBody.identityNumbers(in: fields)))
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
