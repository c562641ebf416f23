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

  private struct State {
    var tickets: [String: Ticket] = [:]
    /// The tokens, oldest first, from `start` on.
    var order: [String] = []
    var start = 0
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
      state.order.append(token)
      guard state.order.count - state.start > most else { return }
      state.tickets[state.order[state.start]] = nil
      state.start += 1
      if state.start > most {
        state.order.removeFirst(state.start)
        state.start = 0
      }
    }
    return token
  }

  /// The ticket of a token, expired or not.
  subscript(token: String) -> Ticket? { state.withLock { $0.tickets[token] } }
}
