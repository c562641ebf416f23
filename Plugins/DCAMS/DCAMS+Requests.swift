public import IntakeCore

// Requests about one customer, outside a batch.
extension DCAMS {
  /// The request that reads a customer's status.
  public static func getStatus(email: Personal<String>) -> Submission {
    question(.getStatus, email)
  }

  /// The request that reads a customer's fields and images.
  public static func getDocumentImages(email: Personal<String>) -> Submission {
    question(.getDocumentImages, email)
  }

  /// The request that sets a customer's status; PASS, PENDING or FAIL.
  public static func updateStatus(email: Personal<String>, status: String) -> Submission {
    var fields = CustomerFields()
    fields[.email] = email
    fields[.status] = Personal(status)
    var writer = DCAMSBody(operation: .updateStatus)
    writer.add(fields)
    writer.add([:])
    return submission(
      writer.segments, DCAMSOperation.updateStatus.rawValue, .converges, email)
  }

  /// The images in an answer to getDocumentImages; nil when it is no such answer.
  public static func documentImages(in response: HTTPResponse) -> [Side: [UInt8]]? {
    guard (200..<300).contains(response.status), let answer = DCAMSAnswer(response.body),
      answer.result == "success"
    else { return nil }
    return answer.images
  }

  static func question(_ service: DCAMSQuestion, _ email: Personal<String>) -> Submission {
    let body = DCAMSBody.inquiry(service: service.rawValue, email: email.exposed)
    return submission(body, service.rawValue, .safe, email)
  }

  private static func submission(
    _ body: [BodySegment], _ operation: String, _ safety: RepeatSafety, _ email: Personal<String>
  ) -> Submission {
    Submission(
      method: "POST", path: "", headers: [HTTPField("Content-Type", "application/json")],
      body: body, operation: operation, repeatSafety: safety,
      customer: Personal(email.exposed.lowercased()), bodyLimit: questionLimit,
      target: DCAMSTarget())
  }

  /// Bytes: credentials and an e-mail, never an image.
  private static let questionLimit = 16_384
}

/// The services that only read.
enum DCAMSQuestion: String {
  case getStatus, getDocumentImages
}
