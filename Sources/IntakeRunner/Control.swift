import IntakeCore
import Synchronization

/// Finds out once a run whether the target returns what it was given: only then does a difference prove anything.
///
/// A target that encodes images again, or strips them, shows something else for every row, accepted ones included.
/// So a request that is known to be accepted is asked about first.
final class Control: Sendable {
  private struct State {
    var request: Submission?
    var isKept: Bool?
  }

  private let state = Mutex(State())

  /// Keeps the first request of this run that was accepted; one is enough, and its body may have megabytes.
  func offer(_ request: Submission) {
    state.withLock { $0.request = $0.request ?? request }
  }

  /// What a difference proves: not accepted where the target returns what it was given, else nothing.
  ///
  /// - Parameter accepted: looks for a request of an earlier run, where this one has none.
  func verdict(
    _ evidence: String, _ sending: Sending, _ row: Row, _ accepted: () async -> Submission?
  ) async -> Settlement {
    if state.withLock({ $0.request }) == nil, let earlier = await accepted() { offer(earlier) }
    let (request, known) = state.withLock { ($0.request, $0.isKept) }
    guard let request else {
      return .unknown(
        evidence: evidence + ", and no accepted row shows whether that proves anything")
    }
    var isKept = known
    if isKept == nil {
      switch await sending.settlement(of: request, row) {
      case .accepted: isKept = true
      case .differs, .notAccepted: isKept = false
      case .unknown: break
      }
      state.withLock { [isKept] in $0.isKept = isKept }
    }
    guard isKept == true else {
      return .unknown(
        evidence: evidence + ", but the target does not return images as they were sent")
    }
    return .notAccepted(evidence: evidence)
  }
}
