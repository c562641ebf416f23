import IntakeCore

extension NoahTarget {
  /// The upload with the address that the answer tells.
  func request(of followUp: FollowUp, toldBy response: HTTPResponse) throws(StageFailure)
    -> Submission
  {
    guard (200..<300).contains(response.status) else {
      let receipt = receipt(for: response, to: followUp.inquiry)
      throw StageFailure(
        receipt.code ?? .uploadRefused,
        "no upload address: " + (receipt.detail ?? "the target answered \(response.status)"),
        hint: receipt.hint, outcome: receipt.outcome)
    }
    guard let url = (try? JSONParser.parse(response.body))?["PresignedURL"]?.string else {
      throw StageFailure(
        .uploadRefused, "the target answered \(response.status) and told no PresignedURL",
        hint: "ask the vendor whether uploads are enabled; the customer itself is there")
    }
    var request = followUp.request
    request.address = Secret(url)
    return request
  }

  /// What the storage behind a presigned address says: its words are not Noah's, so only the code counts.
  func uploadReceipt(_ response: HTTPResponse) -> Receipt {
    switch response.status {
    case 200..<300: return Receipt(.accepted, http: response.status)
    // Expired, used up or not yet known everywhere: a fresh address is asked for at the next attempt.
    case 400, 401, 403, 404, 409, 410:
      return Receipt(
        .retryable(after: nil), http: response.status, code: .uploadRefused,
        detail: "the upload address answered \(response.status): refused or expired")
    default:
      return Receipt(
        .rejected, http: response.status, code: .uploadRefused,
        detail: "the upload address answered \(response.status)")
    }
  }
}
