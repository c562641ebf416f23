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

  /// Names that tell nothing about a person in any API; texts that come from cells are masked wherever they are.
  public static let shownFields: Set<String> = [
    "user", "pass", "service", "reference", "documents", "Type",
  ]

  private let options: TemplateOptions
  private let path: PathTemplate
  private let headers: [HeaderTemplate]
  private let body: BodyTemplate
  private let identity: PlaceholderText?
  private let required: [ColumnName]
  private let repeatSafety: RepeatSafety
  private let described: TemplateTarget
  /// How many times the body holds a side's scan at most, 0 for none.
  private let mostUses: Int
  /// The columns that are sent as dates.
  private let dates: [ColumnName]
  /// The receiving API.
  public var target: any Target { described }

  /// Reads the options and checks every placeholder.
  public init(options: TemplateOptions) throws(OptionError) {
    self.options = options
    path = try options.pathTemplate()
    body = try options.bodyTemplate()
    let authentication = try options.authentication()
    headers = try options.headerTemplates(besides: authentication.fieldName)
    identity = try options.identityTemplate()
    required = try options.requiredColumns()
    // Two equal PUT leave what one leaves (RFC 9110 §9.2.2), unless the plan knows better.
    let isPut = options.method == .put && !options.$repeatSafety.isGiven
    repeatSafety = isPut ? .idempotent : options.repeatSafety.value
    let inHeaders = headers.flatMap(\.text.placeholders)
    described = TemplateTarget(
      authentication: authentication, reading: try options.answerReading(),
      bodySecrets: Set(body.placeholders.compactMap(\.secretName)),
      headerSecrets: Set(inHeaders.compactMap(\.secretName)))
    let sides = body.placeholders.compactMap(\.shownSide)
    mostUses = Side.allCases.map { side in sides.count { $0 == side } }.max() ?? 0
    let all = path.text.placeholders + inHeaders + body.placeholders
    dates = Set(all.compactMap(\.dateColumn)).sorted { $0.description < $1.description }
  }

  /// What the plan says, else the id, else the e-mail.
  public func identity(of record: IntakeRecord) -> Personal<[UInt8]>? {
    let fields = record.fields
    guard let identity else {
      let id = fields[.id].map { RowIdentity.of(id: $0.exposed) }
      return id ?? fields[.email].map { RowIdentity.of(email: $0.exposed) }
    }
    let columns = identity.placeholders.compactMap(\.columnName)
    guard columns.allSatisfy({ fields[$0] != nil }) else { return nil }
    let row = RowContent(measuring: record)
    let text = identity.joined { row.text($0) ?? "" }
    // An e-mail alone is one, whoever names it.
    return columns == [ColumnName(.email)] && identity.parts.count == 1
      ? RowIdentity.of(email: text) : RowIdentity.of(id: text)
  }

  /// What the plan requires, and what the request cannot carry.
  public func problems(in record: IntakeRecord) -> [StageFailure] {
    let row = RowContent(measuring: record)
    return missing(in: record) + path.problems(in: row)
      + headers.flatMap { $0.problems(in: row) } + dateProblems(in: record)
  }

  private func missing(in record: IntakeRecord) -> [StageFailure] {
    required.filter { name in
      guard let side = Side(rawValue: name.column.rawValue) else {
        return record.fields[name] == nil
      }
      return !record.images.contains { $0.side == side }
    }.map { .missing($0, "the plan requires it") }
  }

  private func dateProblems(in record: IntakeRecord) -> [StageFailure] {
    dates.filter { record.fields[$0] != nil && record.fields.date($0) == nil }
      .map { .invalid($0, "holds no real day in the form YYYY-MM-DD or YYYYMMDD") }
  }

  /// What the limit leaves after all fields.
  public func imageBudget(for record: IntakeRecord) -> Int? {
    guard mostUses > 0 else { return nil }
    let empty = body.segments(for: RowContent(measuring: record))
    return imageBudget(
      of: options.maxBody, beside: empty, images: record.images.count, uses: mostUses)
  }

  /// Puts the request together; credentials stay out.
  public func run(_ assembly: consuming Assembly, in context: StageContext) throws -> Submission {
    let customer = name(of: assembly.record).identity.exposed
    let row = RowContent(assembly)
    var target = described
    target.secretHeaders = { [headers] credentials in
      headers.filter(\.hasSecret).compactMap { $0.field(for: row, with: credentials) }
    }
    var submission = Submission(
      method: options.method.rawValue, path: path.filled(for: row),
      headers: headers.filter { !$0.hasSecret }.compactMap { $0.field(for: row, with: nil) },
      body: body.segments(for: row), operation: options.operation ?? "template",
      repeatSafety: repeatSafety, customer: Personal(String(decoding: customer, as: UTF8.self)),
      bodyLimit: options.maxBody, target: target)
    submission.personalTexts = row.personalTexts
    return submission
  }
}
