import IntakeCore

/// Shows a request without what it must not show: secrets, images and, unless asked for, personal fields.
struct RequestText {
  let endpoint: String
  /// Names of JSON fields that hold nothing about a person; all others are hidden.
  let shownFields: Set<String>
  let showsPersonal: Bool

  private static let personal = "[personal]"

  func json(_ submission: Submission) -> JSONOutput {
    let followUps = submission.followUps.map(step)
    return JSONOutput(
      fields: head(submission, at: address(submission)) + [
        ("body", body(submission)), ("followUps", followUps.isEmpty ? nil : followUps),
      ])
  }

  private func head(_ submission: Submission, at url: String) -> JSONFields {
    let headers: JSONFields = submission.headers.map { ($0.name, masked($0.value, submission)) }
    return [("method", submission.method), ("url", url), ("headers", JSONOutput(fields: headers))]
  }

  private func address(_ submission: Submission) -> String {
    endpoint + masked(submission.path, submission)
  }

  /// The question for an address, and what goes to it.
  private func step(_ followUp: FollowUp) -> JSONOutput {
    let ask = head(followUp.inquiry, at: address(followUp.inquiry))
    let send = head(followUp.request, at: "[given by the target]")
    return JSONOutput(fields: [
      ("step", followUp.name), ("ask", JSONOutput(fields: ask)),
      ("send", JSONOutput(fields: send + [("body", body(followUp.request))])),
    ])
  }

  /// The text with `[personal]` in the place of everything that the request's maker calls so.
  private func masked(_ text: String, _ submission: Submission) -> String {
    guard !showsPersonal else { return text }
    // The longest first: one may be part of another.
    let personal = submission.personalTexts.map(\.exposed).sorted { $0.count > $1.count }
    return personal.reduce(text) { $0.replacing($1, with: RequestText.personal) }
  }

  /// The body as JSON where it is JSON: parsed with harmless stand-ins for secrets and images.
  private func body(_ submission: Submission) -> JSONOutput {
    if case .scan(let image)? = submission.body.first { return .string(label(image)) }
    let bytes = submission.body.flatMap { segment -> [UInt8] in
      switch segment {
      case .bytes(let bytes): return bytes
      case .secret: return Array("[secret]".utf8)
      case .image(let image): return Array(label(image.prepared).utf8)
      case .scan(let image): return Array(label(image).utf8)
      }
    }
    guard let value = try? JSONParser.parse(bytes) else { return .string("[\(bytes.count) bytes]") }
    return redacted(value, of: submission)
  }

  private func label(_ image: PreparedImage) -> String {
    let sent = image.report.sent
    let size = "\(sent.size.width)×\(sent.size.height)"
    return "[\(sent.format.rawValue) \(size) \(RowText.bytes(image.bytes.count))]"
  }

  private func redacted(_ value: JSONValue, of submission: Submission, isPersonal: Bool = false)
    -> JSONOutput
  {
    switch value.kind {
    case .null, .bool: return JSONOutput(value)
    case .number:
      return isPersonal && !showsPersonal ? .string(RequestText.personal) : JSONOutput(value)
    // Longer than any name or address: an image that a program has put there by itself.
    case .string(let text) where text.utf8.count > 1000:
      return .string("[\(text.utf8.count) bytes]")
    // A field with a harmless name may hold a cell all the same.
    case .string(let text):
      return .string(
        isPersonal && isHidden(text) ? RequestText.personal : masked(text, submission))
    case .array(let elements):
      return .array(elements.map { redacted($0, of: submission, isPersonal: isPersonal) })
    case .object(let fields):
      return JSONOutput(
        fields: fields.map { field in
          let isPersonal = isPersonal || !shownFields.contains(field.name)
          return (field.name, redacted(field.value, of: submission, isPersonal: isPersonal))
        })
    }
  }

  private func isHidden(_ text: String) -> Bool {
    !showsPersonal && text != "[secret]" && !text.hasPrefix("[jpeg ") && !text.hasPrefix("[png ")
  }
}

/// Describes a value between two stages without showing what is personal or secret.
struct TapText {
  let hidesPaths: Bool

  /// One line for `--tap`: what entered a stage and what left it.
  func fields(_ stage: String, _ input: any Sendable, _ output: any Sendable, _ row: RowReference)
    -> JSONFields
  {
    [
      ("type", "tap"), ("stage", stage), ("row", row.line), ("id", row.id),
      ("in", describe(input)), ("out", describe(output)),
    ]
  }

  private func describe(_ value: any Sendable) -> JSONOutput {
    JSONOutput(fields: [("value", "\(type(of: value))")] + fields(value))
  }

  private func fields(_ value: any Sendable) -> JSONFields {
    switch value {
    case let file as ImageFile:
      [("side", file.side.rawValue), ("file", hidesPaths ? nil : file.path)]
    case let image as DocumentImage:
      picture(image.side, image.header.format, image.uprightSize, bytes: image.sourceBytes)
    case let image as PreparedImage:
      picture(
        image.side, image.report.sent.format, image.report.sent.size, bytes: image.bytes.count)
    case let image as EncodedImage:
      [("side", image.side.rawValue), ("base64Bytes", image.base64.count)]
    case let record as IntakeRecord: [("columns", columns(record))]
    case let assembly as Assembly:
      [
        ("columns", columns(assembly.record)),
        ("images", assembly.images.keys.sorted().map(\.rawValue)),
      ]
    case let submission as Submission:
      [
        ("method", submission.method), ("operation", submission.operation),
        ("bodyBytes", submission.bodySize(with: nil)),
        ("followUps", submission.followUps.isEmpty ? nil : submission.followUps.map(\.name)),
      ]
    case let receipt as Receipt:
      [
        ("outcome", receipt.outcome.verdict.rawValue), ("http", receipt.http.orNull),
        ("code", (receipt.code?.rawValue).orNull),
      ]
    default: []
    }
  }

  private func picture(_ side: Side, _ format: ImageFormat, _ size: PixelSize, bytes: Int)
    -> JSONFields
  {
    [
      ("side", side.rawValue), ("format", format.rawValue), ("width", size.width),
      ("height", size.height), ("bytes", bytes),
    ]
  }

  /// The names of the columns that hold something, never their cells.
  private func columns(_ record: IntakeRecord) -> [String] {
    record.fields.columns.map(\.description).sorted()
  }
}
