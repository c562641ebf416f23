public import IntakeCore

/// Builds the requests of a JSON API that the plan itself describes.
public struct Template: Assembler {
  /// What the stage says about itself.
  public static let descriptor = StageDescriptor(
    name: "template", summary: "build the request for an API that the plan describes",
    options: TemplateOptions.all,
    example:
      #"{"stage":"template","path":"/customers/{id}","body":"{\"name\":\"{fn} {ln}\",\"scan\":\"{image:front}\"}"}"#
  )

  private let template: RequestTemplate
  private let required: [ColumnName]
  private let operation: String
  private let repeatSafety: RepeatSafety
  private let maxBody: Int
  private let described: TemplateTarget
  /// The receiving API.
  public var target: any Target { described }

  /// Reads the options and checks every placeholder.
  public init(options: StageOptions) throws(OptionError) {
    template = try RequestTemplate(options)
    required = try TemplateOptions.required(options)
    operation = options[TemplateOptions.operation] ?? "template"
    maxBody = options[TemplateOptions.maxBody]
    // Two equal PUT leave what one leaves (RFC 9110 §9.2.2), unless the plan knows better.
    let isPut = template.method == "PUT" && !options.has(TemplateOptions.repeatSafety)
    repeatSafety =
      isPut ? .idempotent : RepeatSafety(rawValue: options[TemplateOptions.repeatSafety]) ?? .never
    described = TemplateTarget(
      authentication: template.authentication, reading: try TemplateOptions.reading(options),
      bodySecrets: template.bodySecrets, headerSecrets: template.headerSecrets)
  }

  /// What the plan requires, and what the request cannot carry.
  public func problems(in record: IntakeRecord) -> [StageFailure] {
    missing(in: record) + template.problems(in: RowContent(measuring: record))
  }

  private func missing(in record: IntakeRecord) -> [StageFailure] {
    required.filter { name in
      guard let side = Side(rawValue: name.column.rawValue) else {
        return record.fields[name.column, name.number] == nil
      }
      return !record.images.contains { $0.side == side }
    }.map { name in
      StageFailure(
        .missingValue, "column \"\(name)\" is empty, and the plan requires it", column: name)
    }
  }

  /// What the limit leaves after all fields: base64 takes 4 bytes for 3, and each image is padded once.
  public func imageBudget(for record: IntakeRecord) -> Int? {
    guard template.mostUses > 0 else { return nil }
    let empty = BodyWriter.segments(of: template.body, for: RowContent(measuring: record))
    let envelope = empty.reduce(0) { $0 + $1.bytes(with: nil).count }
    let room = (maxBody - envelope - Template.reserve) / template.mostUses
    return max(0, EncodedImage.decodedCapacity(of: room) - 3 * record.images.count)
  }

  /// Bytes kept free for the secrets of the body.
  private static let reserve = 512

  /// Puts the request together; credentials stay out.
  public func run(_ assembly: consuming Assembly, in context: StageContext) throws -> Submission {
    let customer = Template.customer(assembly.record)
    let row = RowContent(assembly)
    let headers = template.headers.compactMap { $0.filled(for: row) }
    var target = described
    target.lateHeaders = headers.filter(\.hasSecret)
    var submission = Submission(
      method: template.method, path: template.path.filled(for: row),
      headers: headers.filter { !$0.hasSecret }.map { $0.field(with: nil) },
      body: BodyWriter.segments(of: template.body, for: row), operation: operation,
      repeatSafety: repeatSafety, customer: customer, bodyLimit: maxBody,
      target: target)
    submission.personalTexts = row.personalTexts
    return submission
  }

  /// The e-mail where there is one, else the operator's own name for the row, else its content.
  private static func customer(_ record: IntakeRecord) -> Personal<String> {
    if let email = record.fields[.email] { return Personal(email.exposed.lowercased()) }
    let id = record.fields[.id] ?? record.fields[.reference]
    return id ?? Personal(String(decoding: record.identity.exposed, as: UTF8.self))
  }
}
