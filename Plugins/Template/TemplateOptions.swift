import IntakeCore
import IntakeSystem

/// The options of `template`.
enum TemplateOptions {
  static let method = StageOption.choice(
    "method", of: ["POST", "PUT", "PATCH"], default: "POST", help: "the HTTP method")
  static let path = StageOption.text(
    "path", help: "what follows the endpoint, as in /customers/{id}; cells are percent-encoded")
  static let headers = StageOption.table(
    "headers", help: "header fields; values may hold {column} and {secret:NAME}")
  static let body = StageOption.text(
    "body", help: "the body as JSON with placeholders: {column} {dob:dashed} {image:front} …")
  static let bodyFile = StageOption.text(
    "body-file", isPath: true,
    help: "file with the body instead of body, relative to the plan's folder")
  static let required = StageOption.list("required", help: "columns that must not be empty")
  static let success = StageOption.list(
    "success", help: "status codes that mean success, 2xx for all of them (default: 2xx)")
  static let acceptedWhen = StageOption.list(
    "accepted-when", help: "what a success has to say, as in result=Success; all of them")
  static let statusPath = StageOption.text(
    "status-path", help: "where an answer holds the customer's status, as in data.status")
  static let typePath = StageOption.text(
    "type-path", help: "where an answer says what was done, as in data.type")
  static let errorPath = StageOption.text(
    "error-path", help: "where an answer holds a code for what is wrong; sentences are not shown")
  static let auth = StageOption.text(
    "auth", help: "none, bearer (secret token), basic (user, pass) or header:NAME (apiKey)")
  static let operation = StageOption.text(
    "operation", help: "name of the request in the ledger (default: template)")
  static let repeatSafety = StageOption.choice(
    "repeat-safety", of: ["never", "converges", "idempotent"], default: "never",
    help: "what sending twice would do; without the option, PUT is idempotent")
  static let maxBody = StageOption.integer(
    "max-body", in: 1_000...100_000_000, default: 10_000_000, unit: "bytes",
    help: "the most bytes the serialized request may have, credentials included")

  static let all = [
    method.descriptor, path.descriptor, headers.descriptor, body.descriptor, bodyFile.descriptor,
    required.descriptor, success.descriptor, acceptedWhen.descriptor, statusPath.descriptor,
    typePath.descriptor, errorPath.descriptor, auth.descriptor, operation.descriptor,
    repeatSafety.descriptor, maxBody.descriptor,
  ]

  /// The body's template, from the plan or from its file.
  static func body(_ options: StageOptions) throws(OptionError) -> BodyTemplate {
    switch (options[body], options[bodyFile]) {
    case (let text?, nil):
      return try body.descriptor.reading { () throws(TemplateFault) in
        try BodyTemplate(json: Array(text.utf8))
      }
    case (nil, let path?):
      return try bodyFile.descriptor.reading { () throws(TemplateFault) in
        try BodyTemplate(json: try content(of: path))
      }
    case (nil, nil):
      throw OptionError(body.descriptor, TemplateFault("it is missing: give body or body-file"))
    case (_?, _?):
      throw OptionError(bodyFile.descriptor, TemplateFault("give body or body-file, not both"))
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
  static func required(_ options: StageOptions) throws(OptionError) -> [ColumnName] {
    try required.descriptor.reading { () throws(TemplateFault) in
      var columns: [ColumnName] = []
      for name in options[required] {
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
  static func reading(_ options: StageOptions) throws(OptionError) -> AnswerReading {
    let codes = try success.descriptor.reading { () throws(TemplateFault) in
      try SuccessCodes(options[success])
    }
    let rules = try acceptedWhen.descriptor.reading { () throws(TemplateFault) in
      var rules: [AcceptanceRule] = []
      for text in options[acceptedWhen] { rules.append(try AcceptanceRule(text)) }
      return rules
    }
    return AnswerReading(
      success: codes, rules: rules, status: try path(statusPath, options),
      type: try path(typePath, options), error: try path(errorPath, options))
  }

  private static func path(
    _ option: StageOption<String?>, _ options: StageOptions
  ) throws(OptionError) -> AnswerPath? {
    guard let text = options[option] else { return nil }
    return try option.descriptor.reading { () throws(TemplateFault) in try AnswerPath(text) }
  }
}
