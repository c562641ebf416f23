public import IntakeCore

// One customer, one request: what the command's `customer` does and what settles rows in doubt.
extension DCAMS {
  static let getStatusName = "getStatus"

  /// Asks for the status and the fields of a customer.
  public static func getStatus(email: String) -> Submission {
    request(getStatusName, email: email, .safe)
  }

  /// Asks for the images of a customer.
  public static func getDocumentImages(email: String) -> Submission {
    request("getDocumentImages", email: email, .safe)
  }

  /// Sets the status of a customer: PASS, PENDING or FAIL.
  public static func updateStatus(email: String, status: String) -> Submission {
    request("updateStatus", email: email, .converges, [("status", status)])
  }

  private static func request(
    _ service: String, email: String, _ safety: RepeatSafety, _ more: [(String, String)] = []
  ) -> Submission {
    Submission(
      method: "POST", path: "", headers: [HTTPField("Content-Type", "application/json")],
      body: DCAMSBody.request(service: service, target: [("email", email)] + more),
      operation: service, repeatSafety: safety, customer: Personal(email.lowercased()),
      bodyLimit: 100_000, target: DCAMSTarget())
  }
}
