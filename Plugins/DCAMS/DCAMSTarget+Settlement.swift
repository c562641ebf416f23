import IntakeCore

// What became of a request whose answer was lost.
extension DCAMSTarget {
  /// getStatus for the e-mail that was sent.
  func inquiry(about submission: Submission) -> Submission? {
    SentCustomer(submission).map { DCAMS.getStatus(email: $0.email) }
  }

  /// getDocumentImages, where the stored fields are those that were sent: an earlier version may look the same.
  func inquiry(
    after response: HTTPResponse, to inquiry: Submission, about submission: Submission
  ) -> Submission? {
    guard inquiry.operation == DCAMS.getStatusName, let sent = SentCustomer(submission),
      sent.status == nil, let answer = success(response), sent.differences(from: answer).isEmpty
    else { return nil }
    return DCAMS.getDocumentImages(email: sent.email)
  }

  /// Not there when the e-mail is unknown or fields or images differ, there when all are the same.
  func settlement(of response: HTTPResponse, about submission: Submission) -> Settlement {
    guard let answer = DCAMSAnswer(response.body), let sent = SentCustomer(submission) else {
      return .unknown(evidence: "the answer \(response.status) to an inquiry is not readable")
    }
    if response.status == 404,
      DCAMSAnswer.failure(for: answer.message)?.0 == .customerNotFound
    {
      return .notAccepted(evidence: "getStatus knows no such customer")
    }
    guard success(response) != nil else {
      return .unknown(evidence: "the target answered \(response.status) to an inquiry")
    }
    guard answer.target != nil, sent.status == nil || answer.status != nil else {
      return .unknown(evidence: "the answer to an inquiry tells no customer")
    }
    if let status = sent.status { return settlement(ofStatus: status, answer) }
    let differing = sent.differences(from: answer)
    guard differing.isEmpty else {
      let names = differing.joined(separator: ", ")
      return .notAccepted(evidence: "stored differs in \(names)")
    }
    return settlement(ofImages: sent, answer)
  }

  private func settlement(ofStatus status: String, _ answer: DCAMSAnswer) -> Settlement {
    answer.status == status
      ? .accepted(evidence: "getStatus shows the status sent")
      : .notAccepted(evidence: "getStatus shows another status")
  }

  private func settlement(ofImages sent: SentCustomer, _ answer: DCAMSAnswer) -> Settlement {
    guard let documents = answer.target?["documents"] else {
      return .unknown(evidence: "fields are equal, images were not told")
    }
    let differing = sent.images.filter { side, bytes in
      documents[side.rawValue]?.string.flatMap(ReturnedImage.bytes) != bytes
    }
    guard differing.isEmpty else {
      let names = differing.keys.sorted().map(\.rawValue).joined(separator: ", ")
      return .notAccepted(evidence: "stored differs in image \(names)")
    }
    return .accepted(evidence: "fields and images equal")
  }

  private func success(_ response: HTTPResponse) -> DCAMSAnswer? {
    guard (200..<300).contains(response.status), let answer = DCAMSAnswer(response.body),
      answer.result == "success"
    else { return nil }
    return answer
  }
}

/// What a request brought, read back from its body.
struct SentCustomer {
  let email: String
  /// The status of an updateStatus, nil for other services.
  let status: String?
  /// The bytes of each image, before base64.
  let images: [Side: [UInt8]]
  private let reference: String?
  private let fields: [JSONField]

  init?(_ submission: Submission) {
    var text: [UInt8] = []
    var images: [Side: [UInt8]] = [:]
    for segment in submission.body {
      switch segment {
      case .bytes(let bytes): text += bytes
      case .image(let image): images[image.side] = image.prepared.bytes
      case .secret, .scan: break
      }
    }
    guard let body = try? JSONParser.parse(text), let target = body["target"],
      let email = target["email"]?.string
    else { return nil }
    self.email = email
    self.images = images
    reference = body["reference"]?.string
    status = body["service"]?.string == "updateStatus" ? target["status"]?.string : nil
    fields = (target.fields ?? []).filter { $0.name != "documents" && $0.name != "email" }
  }

  /// The names of the fields that the target stores otherwise than they were sent; never what they hold.
  ///
  /// A field that the answer leaves out proves nothing: nowhere is it said which ones are told.
  func differences(from answer: DCAMSAnswer) -> [String] {
    var names = fields.filter { field in
      guard let stored = answer.target?[field.name]?.string, let sent = field.value.string else {
        return false
      }
      return !StoredText(stored).agrees(with: sent)
    }.map(\.name)
    if let reference, let stored = answer.reference, stored != reference {
      names.append("reference")
    }
    return names
  }
}
