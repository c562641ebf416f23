import IntakeCore
import Synchronization

/// The two-step upload of a scan: an address first, then the bytes.
extension NoahAPI {
  func getUploadURL(_ id: String, _ call: Call) throws(NoahError) -> Answer {
    let missing = ["Type", "CountryCode"].filter { call.head.parameter($0)?.isEmpty ?? true }
    guard missing.isEmpty else {
      throw NoahError(
        400, "a required parameter is missing", missing.map { .schema($0, "is required") })
    }
    let side = call.head.parameter("Side") ?? "Front"
    guard ["Front", "Back"].contains(side) else {
      throw NoahError(
        400, "Side is Front or Back", [.schema("Side", "must be one of Front, Back")])
    }
    _ = try find(id)
    let ticket = UploadTickets.Ticket(
      customer: id, side: side == "Back" ? .back : .front,
      documentType: call.head.parameter("Type") ?? "",
      expires: call.time.later(by: Double(configuration.uploadLifetime)))
    let token = tickets.issue(ticket)
    return .json(
      200,
      .object([
        ("PresignedURL", .string(address + NoahRoute.uploadPath + token)),
        ("ExpiresAt", .string(ticket.expires.rfc3339Milliseconds)),
      ]))
  }

  /// Takes the raw bytes; the address alone is the permission, as with any presigned upload.
  func upload(_ token: String, _ call: Call) throws(NoahError) -> Reply {
    guard let ticket = tickets[token] else {
      throw NoahError(403, "this upload address is unknown")
    }
    guard ticket.expires.seconds > call.time.seconds else {
      throw NoahError(403, "this upload address has expired")
    }
    guard !call.body.isEmpty else { throw NoahError(400, "the upload is empty") }
    let image = StoredImage(call.body)
    _ = try store(ticket.customer, at: call.time) { customer, _ in
      customer.images[ticket.side] = image
      customer.note("\(ticket.documentType) uploaded, \(ticket.side.rawValue)", at: call.time)
    }
    return Reply(answer: Answer(200), isAccepted: true)
  }
}

/// The presigned addresses that were given out and have not expired.
final class UploadTickets: Sendable {
  struct Ticket: Sendable {
    let customer: String
    let side: Side
    let documentType: String
    let expires: UTCTime
  }

  private struct State {
    var tickets: [String: Ticket] = [:]
    var tokens = Queue<String>()
  }

  private let most: Int
  private let state = Mutex(State())

  /// Keeps the latest `most` tickets: more than any client has open at a time.
  init(most: Int) { self.most = max(1, most) }

  /// Keeps a ticket and returns the token that names it; the token cannot be guessed.
  func issue(_ ticket: Ticket) -> String {
    var generator = SystemRandomNumberGenerator()
    let token = Hex.text((0..<24).map { _ in UInt8.random(in: 0...255, using: &generator) })
    state.withLock { state in
      state.tickets[token] = ticket
      state.tokens.append(token)
      if let oldest = state.tokens.removeFirst(beyond: most) { state.tickets[oldest] = nil }
    }
    return token
  }

  subscript(token: String) -> Ticket? { state.withLock { $0.tickets[token] } }
}
