public import IntakeCore
import IntakeSystem

/// The options of `template`.
public struct TemplateOptions: PluginOptions {
  @Option("the HTTP method") var method = Method.post
  @Option("what follows the endpoint, as in /customers/{id}; cells are percent-encoded")
  var path: String? = nil
  @Option("header fields; values may hold {column} and {secret:NAME}")
  var headers: [String: String] = [:]
  @Option("the body as JSON with placeholders: {column} {dob:dashed} {image:front} …")
  var body: String? = nil
  @Option("file with the body instead of body, relative to the plan's folder", isPath: true)
  var bodyFile: String? = nil
  @Option("what the API knows a customer by, as in {reference} (default: {id}, else {email})")
  var identity: String? = nil
  @Option("columns that must not be empty") var required: [String] = []
  @Option("status codes that mean success, 2xx for all of them (default: 2xx)")
  var success: [String] = []
  @Option("what a success has to say, as in result=Success; all of them")
  var acceptedWhen: [String] = []
  @Option("where an answer holds the customer's status, as in data.status")
  var statusPath: String? = nil
  @Option("where an answer says what was done, as in data.type") var typePath: String? = nil
  @Option(
    "where an answer says what is wrong, as in error.message; shown with the row's values hidden")
  var errorPath: String? = nil
  @Option("none, bearer (secret token), basic (user, pass) or header:NAME (apiKey)")
  var auth: String? = nil
  @Option("name of the request in the ledger (default: template)") var operation: String? = nil
  @Option("what sending twice would do; without the option, PUT is idempotent")
  var repeatSafety = Repetition.never
  @Option(
    "the most bytes the serialized request may have, credentials included",
    in: 1_000...100_000_000, unit: "bytes")
  var maxBody = 10_000_000

  /// Every option with its default.
  public init() {}

  enum Method: String, CaseIterable {
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
  }

  /// What a plan may say about sending twice; a row's request is never read-only.
  enum Repetition: String, CaseIterable {
    case never, converges, idempotent

    var value: RepeatSafety { RepeatSafety(rawValue: rawValue) ?? .never }
  }

  // MARK: The options, read

  func pathTemplate() throws(OptionError) -> PathTemplate {
    try reading("path", try PathTemplate(path ?? ""))
  }

  func authentication() throws(OptionError) -> Authentication {
    try reading("auth", try Authentication(auth ?? "none"))
  }

  /// The columns that make a customer's identity, nil for the usual ones.
  func identityTemplate() throws(OptionError) -> PlaceholderText? {
    guard let identity else { return nil }
    let text = try reading("identity", try PlaceholderText(identity))
    guard !text.placeholders.isEmpty, text.placeholders.allSatisfy({ $0.columnName != nil }) else {
      throw fault("identity", "it has to hold columns, as in {reference}, no more")
    }
    return text
  }

  /// The body's template, from the plan or from its file.
  func bodyTemplate() throws(OptionError) -> BodyTemplate {
    switch (body, bodyFile) {
    case (let text?, nil): try reading("body", try BodyTemplate(json: Array(text.utf8)))
    case (nil, let path?): try reading("body-file", try BodyTemplate(file: path))
    case (nil, nil): throw fault("body", "it is missing: give body or body-file")
    case (_?, _?): throw fault("body-file", "give body or body-file, not both")
    }
  }

  /// The header fields in the order of their names; `own` is the one that holds the credentials.
  func headerTemplates(besides own: String?) throws(OptionError) -> [HeaderTemplate] {
    var names: Set<String> = []
    var templates: [HeaderTemplate] = []
    for (name, text) in headers.sorted(by: { $0.key < $1.key }) {
      templates.append(try reading("headers", try HeaderTemplate(name: name, text: text)))
      guard names.insert(name.lowercased()).inserted, name.lowercased() != own?.lowercased() else {
        throw fault("headers", "the header field \(name) is written twice")
      }
    }
    guard !names.contains("content-type") else { return templates }
    return templates
      + [try reading("headers", try HeaderTemplate(name: "Content-Type", text: "application/json"))]
  }

  func requiredColumns() throws(OptionError) -> [ColumnName] {
    try required.map { name throws(OptionError) in
      guard let column = ColumnName(name) else {
        let known = Column.allCases.map(\.rawValue)
        let unknown = TemplateFault.unknown(name, among: known, "there is no such column")
        throw fault("required", unknown.message)
      }
      return column
    }
  }

  func answerReading() throws(OptionError) -> AnswerReading {
    AnswerReading(
      success: try reading("success", try AnswerReading.codes(success)),
      rules: try acceptedWhen.map { text throws(OptionError) in
        try reading("accepted-when", try AcceptanceRule(text))
      },
      status: try answerPath("status-path", statusPath),
      type: try answerPath("type-path", typePath), error: try answerPath("error-path", errorPath))
  }

  private func answerPath(_ option: String, _ text: String?) throws(OptionError) -> AnswerPath? {
    guard let text else { return nil }
    return try reading(option, try AnswerPath(text))
  }

  /// Reads an option's value and adds the option's name to what is wrong.
  private func reading<Result>(
    _ option: String, _ value: @autoclosure () throws(TemplateFault) -> Result
  ) throws(OptionError) -> Result {
    do throws(TemplateFault) { return try value() } catch { throw fault(option, error.message) }
  }

  private func fault(_ option: String, _ message: String) -> OptionError {
    OptionError(option: option, "option \"\(option)\" of stage \"template\": \(message)")
  }
}

/// What is wrong with a template; the option's name is added later.
struct TemplateFault: Error, Equatable {
  let message: String

  init(_ message: String) { self.message = message }

  /// An unknown name, with the one that was most likely meant.
  static func unknown(_ text: String, among known: [String], _ rule: String) -> TemplateFault {
    TemplateFault("{\(shown(text))}: \(rule)\(NearestName.suggestion(for: text, among: known))")
  }

  /// A text of the plan as messages quote it.
  static func shown(_ text: String) -> String { Sanitizer.clean(text, limit: 60) }
}
