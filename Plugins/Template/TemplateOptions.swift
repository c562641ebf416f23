public import IntakeCore
import IntakeSystem

/// The options of `template`.
public struct TemplateOptions: PluginOptions {
  @Option("the HTTP method") var method = TemplateMethod.post
  @Option("what follows the endpoint, as in /customers/{id}; cells are percent-encoded")
  var path: String? = nil
  @Option("header fields; values may hold {column} and {secret:NAME}")
  var headers: [String: String] = [:]
  @Option("the body as JSON with placeholders: {column} {dob:dashed} {image:front} …")
  var body: String? = nil
  @Option("file with the body instead of body, relative to the plan's folder", isPath: true)
  var bodyFile: String? = nil
  @Option("columns that must not be empty") var required: [String] = []
  @Option("status codes that mean success, 2xx for all of them (default: 2xx)")
  var success: [String] = []
  @Option("what a success has to say, as in result=Success; all of them")
  var acceptedWhen: [String] = []
  @Option("where an answer holds the customer's status, as in data.status")
  var statusPath: String? = nil
  @Option("where an answer says what was done, as in data.type") var typePath: String? = nil
  @Option("where an answer holds a code for what is wrong; sentences are not shown")
  var errorPath: String? = nil
  @Option("none, bearer (secret token), basic (user, pass) or header:NAME (apiKey)")
  var auth: String? = nil
  @Option("name of the request in the ledger (default: template)") var operation: String? = nil
  @Option("what sending twice would do; without the option, PUT is idempotent")
  var repeatSafety = TemplateRepetition.never
  @Option(
    "the most bytes the serialized request may have, credentials included",
    in: 1_000...100_000_000, unit: "bytes")
  var maxBody = 10_000_000

  /// Every option with its default.
  public init() {}
}

/// The methods that a plan may choose.
enum TemplateMethod: String, CaseIterable {
  case post = "POST"
  case put = "PUT"
  case patch = "PATCH"
}

/// What a plan may say of sending twice; a row's request never only reads.
enum TemplateRepetition: String, CaseIterable {
  case never, converges, idempotent

  var value: RepeatSafety { RepeatSafety(rawValue: rawValue) ?? .never }
}

extension TemplateOptions {
  /// The body's template, from the plan or from its file.
  func bodyTemplate() throws(OptionError) -> BodyTemplate {
    switch (body, bodyFile) {
    case (let text?, nil):
      return try reading("body") { () throws(TemplateFault) in
        try BodyTemplate(json: Array(text.utf8))
      }
    case (nil, let path?):
      return try reading("body-file") { () throws(TemplateFault) in
        try BodyTemplate(json: try TemplateOptions.content(of: path))
      }
    case (nil, nil):
      throw OptionError(template: "body", TemplateFault("it is missing: give body or body-file"))
    case (_?, _?):
      throw OptionError(template: "body-file", TemplateFault("give body or body-file, not both"))
    }
  }

  private static func content(of path: String) throws(TemplateFault) -> [UInt8] {
    do throws(FileFailure) {
      // A template is a page of text; a megabyte is somebody's mistake.
      return try Descriptor.open(path).wholeFile(atMost: 1 << 20)
    } catch {
      throw TemplateFault("\(Sanitizer.clean(path)): \(error)")
    }
  }

  /// The columns that have to be filled.
  func requiredColumns() throws(OptionError) -> [ColumnName] {
    try reading("required") { () throws(TemplateFault) in
      var columns: [ColumnName] = []
      for name in required {
        guard let column = ColumnName(name) else {
          throw .unknown(
            name, among: Column.allCases.map(\.rawValue), "there is no such column")
        }
        columns.append(column)
      }
      return columns
    }
  }

  /// How answers are read.
  func reading() throws(OptionError) -> AnswerReading {
    let codes = try reading("success") { () throws(TemplateFault) in
      try SuccessCodes(success)
    }
    let rules = try reading("accepted-when") { () throws(TemplateFault) in
      var rules: [AcceptanceRule] = []
      for text in acceptedWhen { rules.append(try AcceptanceRule(text)) }
      return rules
    }
    return AnswerReading(
      success: codes, rules: rules, status: try answerPath("status-path", statusPath),
      type: try answerPath("type-path", typePath), error: try answerPath("error-path", errorPath))
  }

  private func answerPath(_ option: String, _ text: String?) throws(OptionError) -> AnswerPath? {
    guard let text else { return nil }
    return try reading(option) { () throws(TemplateFault) in try AnswerPath(text) }
  }

  /// Does something with an option's value and adds the option's name to what is wrong.
  func reading<Result>(_ option: String, _ body: () throws(TemplateFault) -> Result)
    throws(OptionError) -> Result
  {
    do throws(TemplateFault) { return try body() } catch {
      throw OptionError(template: option, error)
    }
  }
}
