public import IntakeCore

/// Builds requests for Veratad DCAMS storage (api.veratad.com, "ID Document Storage").
public struct DCAMS: Assembler {
  static let operation = StageOption.choice(
    "operation", of: DCAMSOperation.allCases.map(\.rawValue), default: "createOrUpdateCustomer",
    help: "the service to call for each row")
  // The vendor's storage pages name no limit; their Manual Review page says 10 MB for the whole request.
  static let maxBody = StageOption.integer(
    "max-body", in: 2_000...100_000_000, default: 10_000_000, unit: "bytes",
    help: "the most bytes the serialized request may have, credentials included")

  /// What the stage says about itself.
  public static let descriptor = StageDescriptor(
    name: "dcams", summary: "build the request for Veratad DCAMS storage and read its answer",
    options: [operation.descriptor, maxBody.descriptor],
    example: #"{"stage":"dcams","operation":"createOrUpdateCustomer"}"#)

  let operation: DCAMSOperation
  let maxBody: Int
  /// The receiving API.
  public let target: any Target

  /// Reads the options.
  public init(options: StageOptions) throws(OptionError) {
    operation = DCAMSOperation(rawValue: options[Self.operation]) ?? .createOrUpdateCustomer
    maxBody = options[Self.maxBody]
    target = DCAMSTarget()
  }

  /// updateStatus sends none.
  public var sendsImages: Bool { operation == .createOrUpdateCustomer }

  /// What the vendor would refuse, and what a row of this operation cannot do without.
  public func problems(in record: IntakeRecord) -> [StageFailure] {
    operation.problems(in: record)
  }

  /// A status that stays here.
  public func notices(about record: IntakeRecord) -> [String] {
    guard operation == .createOrUpdateCustomer, record.fields[.status] != nil else { return [] }
    return [
      "column \"status\" is not sent by createOrUpdateCustomer "
        + "(did you mean --operation updateStatus?)"
    ]
  }

  /// What the limit leaves after all fields: base64 takes 4 bytes for 3, and each image is padded once.
  public func imageBudget(for record: IntakeRecord) -> Int? {
    let empty = body(of: Assembly(record: record, images: [:]))
    let envelope = empty.reduce(0) { $0 + $1.bytes(with: nil).count }
    let room = maxBody - envelope - DCAMS.reserve
    return max(0, EncodedImage.decodedCapacity(of: room) - 3 * record.images.count)
  }

  /// Bytes kept free for user, password and the names of the images' fields.
  private static let reserve = 512

  /// Puts the request together; credentials stay out.
  public func run(_ assembly: consuming Assembly, in context: StageContext) throws -> Submission {
    let email = assembly.record.fields[.email]?.exposed ?? ""
    return Submission(
      method: "POST", path: "", headers: [HTTPField("Content-Type", "application/json")],
      body: body(of: assembly), operation: operation.rawValue, repeatSafety: .converges,
      customer: Personal(email.lowercased()), bodyLimit: maxBody, target: target)
  }

  private func body(of assembly: Assembly) -> [BodySegment] {
    var writer = DCAMSBody(operation: operation)
    writer.add(assembly.record.fields)
    writer.add(assembly.images)
    return writer.segments
  }
}
