import IntakeCore

/// Shows a request without what it must not show: secrets, images and, unless asked for, personal fields.
struct RequestText: Sendable {
  let endpoint: String
  /// Names of JSON fields that hold nothing about a person; all others are hidden.
  let shownFields: Set<String>
  let showsPersonal: Bool

  /// The row's fields with the request added.
  func json(_ submission: Submission, _ row: JSONOutput) -> JSONOutput {
    guard case .object(let fields) = row else { return row }
    return .object(fields + [("request", request(submission))])
  }

  private func request(_ submission: Submission) -> JSONOutput {
    var fields = head(submission, at: endpoint + masked(submission.path, submission))
    fields.append(("body", body(submission)))
    if !submission.followUps.isEmpty {
      fields.append(("followUps", .array(submission.followUps.map(step))))
    }
    return .object(fields)
  }

  private func head(_ submission: Submission, at url: String) -> [(String, JSONOutput)] {
    let headers = submission.headers.map {
      ($0.name, JSONOutput.string(masked($0.value, submission)))
    }
    return [
      ("method", .string(submission.method)), ("url", .string(url)), ("headers", .object(headers)),
    ]
  }

  /// The question for an address, and what goes to it.
  private func step(_ followUp: FollowUp) -> JSONOutput {
    let inquiry = followUp.inquiry
    let ask = head(inquiry, at: endpoint + masked(inquiry.path, inquiry))
    let send =
      head(followUp.request, at: "[told by the target]") + [("body", body(followUp.request))]
    return .object([
      ("step", .string(followUp.name)), ("ask", .object(ask)), ("send", .object(send)),
    ])
  }

  /// The text with `[personal]` in the place of everything that the request's maker calls so.
  private func masked(_ text: String, _ submission: Submission) -> String {
    guard !showsPersonal else { return text }
    // The longest first: one may be part of another.
    let personal = submission.personalTexts.map(\.exposed).sorted { $0.count > $1.count }
    return personal.reduce(text) { $0.replacing($1, with: "[personal]") }
  }

  /// The body as JSON where it is JSON: parsed with harmless stand-ins for secrets and images.
  private func body(_ submission: Submission) -> JSONOutput {
    let bytes = submission.body.flatMap { segment -> [UInt8] in
      switch segment {
      case .bytes(let bytes): return bytes
      case .secret: return Array("[secret]".utf8)
      case .image(let image): return Array(label(image.prepared).utf8)
      case .scan(let image): return Array(label(image).utf8)
      }
    }
    if case .scan(let image)? = submission.body.first { return .string(label(image)) }
    guard let value = try? JSONParser.parse(bytes) else { return .string("[\(bytes.count) bytes]") }
    return masked(redacted(value), submission)
  }

  private func label(_ image: PreparedImage) -> String {
    let sent = image.report.sent
    let size = "\(sent.size.width)×\(sent.size.height)"
    return "[\(sent.format.rawValue) \(size) \(RowText.bytes(image.bytes.count))]"
  }

  /// A field with a harmless name may hold a cell all the same.
  private func masked(_ value: JSONOutput, _ submission: Submission) -> JSONOutput {
    guard !submission.personalTexts.isEmpty else { return value }
    switch value {
    case .string(let text) where text == "[personal]": return value
    case .string(let text): return .string(masked(text, submission))
    case .array(let values): return .array(values.map { masked($0, submission) })
    case .object(let fields): return .object(fields.map { ($0.0, masked($0.1, submission)) })
    case .null, .bool, .integer, .decimal: return value
    }
  }

  private func redacted(_ value: JSONValue, isPersonal: Bool = false) -> JSONOutput {
    switch value.kind {
    case .null: return .null
    case .bool(let flag): return .bool(flag)
    case .number:
      return isPersonal && !showsPersonal ? .string("[personal]") : JSONOutput(value)
    // Longer than any name or address: an image that a program has put there by itself.
    case .string(let text) where text.utf8.count > 1000:
      return .string("[\(text.utf8.count) bytes]")
    case .string(let text): return .string(isHidden(text, isPersonal) ? "[personal]" : text)
    case .array(let elements):
      return .array(elements.map { redacted($0, isPersonal: isPersonal) })
    case .object(let fields):
      return .object(
        fields.map {
          ($0.name, redacted($0.value, isPersonal: isPersonal || !shownFields.contains($0.name)))
        })
    }
  }

  private func isHidden(_ text: String, _ isPersonal: Bool) -> Bool {
    isPersonal && !showsPersonal && text != "[secret]" && !text.hasPrefix("[jpeg ")
      && !text.hasPrefix("[png ")
  }
}
