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
    let room = options.maxBody - envelope - DCAMS.reserve
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
      customer: Personal(email.lowercased()), bodyLimit: options.maxBody, target: target)
  }

  private func body(of assembly: Assembly) -> [BodySegment] {
    var writer = DCAMSBody(operation: operation)
    writer.add(assembly.record.fields)
    writer.add(assembly.images)
    return writer.segments
  }
}
