import IntakeCore

/// An API that a plan describes.
struct TemplateTarget: Target {
  let name = "template"
  let authentication: Authentication
  let reading: AnswerReading
  /// The secrets of the body.
  let bodySecrets: Set<String>
  /// The secrets of the header fields, which must be of one line.
  let headerSecrets: Set<String>
  /// The header fields of one row that hold secrets.
  var lateHeaders: [FilledHeader] = []

  func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure) {
    let wanted = bodySecrets.union(headerSecrets).union(authentication.secrets).sorted()
    let missing = wanted.filter { credentials?[$0] == nil }
    guard missing.isEmpty else {
      let example = wanted.map { "\"\($0)\":\"…\"" }.joined(separator: ",")
      guard credentials != nil else {
        throw StageFailure(
          .credentialsRefused,
          "--credentials is missing: the plan's template needs a file that holds {\(example)}",
          hint: "give --credentials FILE; chmod 600 the file", outcome: .fatal)
      }
      throw StageFailure(
        .credentialsRefused, "the credentials hold no \(missing.joined(separator: " and no "))",
        hint: "give --credentials with a file that holds {\(example)}", outcome: .fatal)
    }
    for secret in headerSecrets.union(authentication.secrets).sorted()
    where authentication != .basic || !authentication.secrets.contains(secret) {
      try checkLine(secret, credentials)
    }
    guard !endpoint.contains("?") else {
      throw StageFailure(
        .wrongEndpoint, "the endpoint has a query, and the plan's path follows it",
        hint: "put the query into the template's path", outcome: .fatal)
    }
  }

  private func checkLine(_ name: String, _ credentials: Credentials?) throws(StageFailure) {
    guard let secret = credentials?[name], !HeaderTemplate.isVisible(secret.exposed) else { return }
    throw StageFailure(
      .credentialsRefused,
      "the \(name) of the credentials holds a line break or a character beyond ASCII",
      hint: "copy it again, without anything around it", outcome: .fatal)
  }

  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) -> HTTPRequest {
    let headers = submission.headers + lateHeaders.map { $0.field(with: credentials) }
    // One slash between the two, however they are written.
    let isDoubled = endpoint.hasSuffix("/") && submission.path.hasPrefix("/")
    return HTTPRequest(
      method: submission.method,
      url: (isDoubled ? String(endpoint.dropLast()) : endpoint) + submission.path,
      headers: headers + [authentication.field(with: credentials)].compactMap(\.self),
      body: submission.body.map { $0.bytes(with: credentials) })
  }

  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    reading.receipt(for: response)
  }
}
