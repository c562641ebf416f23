import IntakeCore

/// A request as a plan describes it: path, header fields and body, each checked once.
struct RequestTemplate: Sendable {
  let path: PathTemplate
  let headers: [HeaderTemplate]
  let body: BodyTemplate
  let authentication: Authentication

  init(_ options: TemplateOptions) throws(OptionError) {
    path = try options.reading("path") { () throws(TemplateFault) in
      try PathTemplate(options.path ?? "")
    }
    body = try options.bodyTemplate()
    authentication = try options.reading("auth") { () throws(TemplateFault) in
      try Authentication(options.auth ?? "none")
    }
    let own = authentication.fieldName
    headers = try options.reading("headers") { () throws(TemplateFault) in
      try RequestTemplate.headers(options.headers, besides: own)
    }
  }

  private static func headers(
    _ table: [String: String], besides own: String?
  ) throws(TemplateFault) -> [HeaderTemplate] {
    var headers: [HeaderTemplate] = []
    var names: Set<String> = []
    for (name, text) in table.sorted(by: { $0.key < $1.key }) {
      headers.append(try HeaderTemplate(name: name, text: text))
      guard names.insert(name.lowercased()).inserted, name.lowercased() != own?.lowercased() else {
        throw TemplateFault("the header field \(name) is written twice")
      }
    }
    if !names.contains("content-type") {
      headers.append(try HeaderTemplate(name: "Content-Type", text: "application/json"))
    }
    return headers
  }

  /// How often a side's scan stands in the body at most, 0 when none does.
  var mostUses: Int {
    let sides = body.placeholders.compactMap(\.shownSide)
    return Side.allCases.map { side in sides.count { $0 == side } }.max() ?? 0
  }

  /// The secrets of the body.
  var bodySecrets: Set<String> { Set(body.placeholders.compactMap(\.secretName)) }
  /// The secrets of the header fields.
  var headerSecrets: Set<String> {
    Set(headers.flatMap(\.text.placeholders).compactMap(\.secretName))
  }

  /// Every placeholder of the request.
  var placeholders: [Placeholder] {
    path.text.placeholders + headers.flatMap(\.text.placeholders) + body.placeholders
  }

  /// Cells that the request cannot carry.
  func problems(in row: RowContent) -> [StageFailure] {
    path.problems(in: row) + headers.flatMap { $0.problems(in: row) } + dateProblems(in: row)
  }

  private func dateProblems(in row: RowContent) -> [StageFailure] {
    let dates = Set(
      placeholders.compactMap { placeholder in
        if case .column(let name, _?) = placeholder { name } else { nil }
      })
    return dates.filter { row.fields[$0.column, $0.number] != nil }
      .filter { row.fields.date($0.column, $0.number) == nil }
      .sorted { $0.description < $1.description }
      .map { name in
        StageFailure(
          .invalidValue,
          "column \"\(name)\" holds no real day in the form YYYY-MM-DD or YYYYMMDD", column: name)
      }
  }
}
