import IntakeCore

/// A request on its way to a program, with marks in place of its secrets.
///
/// A program may change header fields and body, to sign, encrypt or enrich. Method, path and everything that tells
/// the engine how to repeat the request or to ask about it stay as they are.
struct SubmissionItem: ItemKind {
  static let name = ItemName.submission
  let unchanged: Submission
  private let marks: SecretMarks

  init(_ value: Submission, _ options: ExternalOptions) {
    unchanged = value
    marks = SecretMarks(value.body)
  }

  /// The body with a mark in place of each secret.
  var payload: [[UInt8]] { marks.written }

  /// The request's head; `secrets` lists the marks that have to come back, once each.
  func fields(in context: StageContext) -> JSONFields {
    let size = payload.reduce(0) { $0 + $1.count }
    let body: JSONFields = [("bytes", size), ("max", unchanged.bodyLimit)]
    let request: JSONFields = [
      ("operation", unchanged.operation), ("method", unchanged.method),
      ("path", unchanged.path), ("headers", unchanged.headers.map { [$0.name, $0.value] }),
      ("secrets", marks.all), ("body", JSONOutput(fields: body)),
    ]
    return [("submission", JSONOutput(fields: request))]
  }

  /// The request with the program's header fields and body; what the program leaves out stays as it was.
  func value(from answer: ProtocolMessage, in context: StageContext) throws -> Submission {
    guard let changed = answer.json["submission"], changed.fields != nil else {
      throw StageFailure(.stageProtocol, "a result without a submission")
    }
    var result = unchanged
    if let headers = changed["headers"] { result.headers = try HeaderFields.read(headers, marks) }
    if let body = answer.bytes(of: changed["body"]) {
      result.body = try marks.segments(of: body)
    }
    let size = result.bodySize(with: nil)
    guard size <= unchanged.bodyLimit else {
      throw StageFailure(
        .bodyTooLarge, "the program's body has \(size) bytes, the limit is \(unchanged.bodyLimit)")
    }
    return result
  }
}

/// Header fields from a program, checked so that they can neither end the header nor pass for credentials.
private enum HeaderFields {
  private static let most = 100
  private static let longest = 8_192
  /// Fields that the transport writes, that control the connection, or that only the target may set.
  private static let reserved: Set<String> = [
    "host", "content-length", "transfer-encoding", "expect", "connection", "keep-alive", "te",
    "trailer", "upgrade", "authorization", "proxy-authorization", "cookie",
  ]

  /// Reads `[["Name","value"],…]`.
  static func read(_ list: JSONValue, _ marks: SecretMarks) throws(StageFailure) -> [HTTPField] {
    guard let elements = list.elements, elements.count <= most else {
      throw refusal("aren't a list of at most \(most) pairs")
    }
    var fields: [HTTPField] = []
    for element in elements {
      let pair = element.elements?.compactMap(\.string) ?? []
      guard pair.count == 2, element.elements?.count == 2 else {
        throw refusal("hold something other than [name, value]")
      }
      try check(name: pair[0], value: pair[1])
      guard !marks.stand(in: pair[0] + pair[1]) else {
        throw refusal("hold the mark of a secret, which belongs in the body")
      }
      fields.append(HTTPField(pair[0], pair[1]))
    }
    return fields
  }

  private static func check(name: String, value: String) throws(StageFailure) {
    guard !name.isEmpty, name.utf8.count <= 100, name.utf8.allSatisfy(\.isHTTPToken) else {
      throw refusal("hold a name that isn't a token (RFC 9110, 5.6.2)")
    }
    guard !reserved.contains(name.lowercased()) else {
      throw refusal("hold \"\(name)\", which a stage cannot set")
    }
    guard value.utf8.count <= longest,
      value.utf8.allSatisfy({ $0 == 0x09 || $0 >= 0x20 && $0 != 0x7F })
    else { throw refusal("hold a value with control characters or of more than \(longest) bytes") }
  }

  private static func refusal(_ what: String) -> StageFailure {
    StageFailure(.stageProtocol, "the program's header fields \(what)")
  }
}
