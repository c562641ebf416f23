import Synchronization

/// The bytes of all bodies held at a time, so that many large requests together cannot take the memory.
final class BodyBudget: Sendable {
  private let left: Mutex<Int>

  init(_ bytes: Int) { left = Mutex(bytes) }

  /// Takes that many bytes out of the budget; false when they are not there.
  func take(_ bytes: Int) -> Bool {
    left.withLock { left in
      guard bytes <= left else { return false }
      left -= bytes
      return true
    }
  }

  /// Puts them back.
  func putBack(_ bytes: Int) { left.withLock { $0 += bytes } }
}
