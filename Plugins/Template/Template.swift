public import IntakeCore

/// Builds the requests of a JSON API that the plan itself describes.
public struct Template: Assembler {
  /// `template`.
  public static let name = "template"
  /// What it does.
  public static let summary = "build the request for an API that the plan describes"
  /// An entry that works.
  public static let example =
    #"{"stage":"template","path":"/customers/{id}","body":"{\"name\":\"{fn} {ln}\",\"scan\":\"{image:front}\"}"}"#

  private let template: RequestTemplate
  private let required: [ColumnName]
  private let options: TemplateOptions
  private let repeatSafety: RepeatSafety
  private let described: TemplateTarget
  /// The receiving API.
  public var target: any Target { described }

  /// Reads the options and checks every placeholder.
  public init(options: TemplateOptions) throws(OptionError) {
    self.options = options
    template = try RequestTemplate(options)
    required = try options.requiredColumns()
    // Two equal PUT leave what one leaves (RFC 9110 §9.2.2), unless the plan knows better.
    let isPut = options.method == .put && !options.$repeatSafety.isGiven
    repeatSafety = isPut ? .idempotent : options.repeatSafety.value
    described = TemplateTarget(
      authentication: template.authentication, reading: try options.reading(),
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
    let room = (options.maxBody - envelope - Template.reserve) / template.mostUses
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
      method: options.method.rawValue, path: template.path.filled(for: row),
      headers: headers.filter { !$0.hasSecret }.map { $0.field(with: nil) },
      body: BodyWriter.segments(of: template.body, for: row),
      operation: options.operation ?? "template",
      repeatSafety: repeatSafety, customer: customer, bodyLimit: options.maxBody,
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
