import IntakeCore

extension NoahAPI {
  /// Gives out a presigned address for one side of a document.
  func getUploadURL(_ id: String, _ call: Call) throws(NoahError) -> Answer {
    let missing = ["Type", "CountryCode"].filter { call.head.parameter($0)?.isEmpty ?? true }
    guard missing.isEmpty else {
      throw NoahError(
        status: 400, detail: "a required parameter is missing",
        fields: missing.map { .schema($0, "is required") })
    }
    let side = call.head.parameter("Side") ?? "Front"
    guard ["Front", "Back"].contains(side) else {
      throw NoahError(
        status: 400, detail: "Side is Front or Back",
        fields: [.schema("Side", "must be one of Front, Back")])
    }
    _ = try find(id)
    let ticket = UploadTickets.Ticket(
      customer: id, side: side == "Back" ? .back : .front,
      documentType: call.head.parameter("Type") ?? "",
      expires: call.time.later(by: Double(uploadLifetime)))
    let token = tickets.issue(ticket)
    return .json(
      200,
      .object([
        ("PresignedURL", .string(address + NoahRoute.uploadPath + token)),
        ("ExpiresAt", .string(ticket.expires.rfc3339)),
      ]))
  }

  /// Takes the raw bytes; the address alone is the permission, as with any presigned upload.
  func upload(_ token: String, _ call: Call) throws(NoahError) -> Reply {
    guard let ticket = tickets[token] else {
      throw NoahError(status: 403, detail: "this upload address is unknown")
    }
    guard ticket.expires.seconds > call.time.seconds else {
      throw NoahError(status: 403, detail: "this upload address has expired")
    }
    guard !call.body.isEmpty else {
      throw NoahError(status: 400, detail: "the upload is empty")
    }
    let image = StoredImage(call.body)
    do throws(CustomerStore.Failure) {
      _ = try store.upsert(.noah, ticket.customer, at: call.time) { customer, _ in
        customer.images[ticket.side] = image
        let text = "\(ticket.documentType) uploaded, \(ticket.side.rawValue)"
        customer.note(text, at: call.time)
      }
      return Reply(answer: Answer(200), isAccepted: true)
    } catch {
      throw NoahError(status: error.status, detail: error.message)
    }
  }
}
