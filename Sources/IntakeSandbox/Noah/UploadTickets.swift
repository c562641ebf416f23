import IntakeCore
import Synchronization

/// The presigned addresses that were given out and have not expired.
final class UploadTickets: Sendable {
  /// What an address is good for.
  struct Ticket: Sendable {
    let customer: String
    let side: Side
    let documentType: String
    let expires: Timestamp
  }

  /// More than any batch has open at a time.
  private static let most = 100_000
  private let tickets = Mutex<[String: Ticket]>([:])

  /// Keeps a ticket and returns the token that names it; the token cannot be guessed.
  func issue(_ ticket: Ticket, at time: Timestamp) -> String {
    var generator = SystemRandomNumberGenerator()
    let token = Hex.text((0..<24).map { _ in UInt8.random(in: 0...255, using: &generator) })
    tickets.withLock { tickets in
      if tickets.count >= UploadTickets.most {
        tickets = tickets.filter { $0.value.expires.seconds > time.seconds }
      }
      if tickets.count < UploadTickets.most { tickets[token] = ticket }
    }
    return token
  }

  /// The ticket of a token, expired or not.
  subscript(token: String) -> Ticket? { tickets.withLock { $0[token] } }
}
