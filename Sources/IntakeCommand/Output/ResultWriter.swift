import IntakeSystem
import Synchronization

/// Standard output, kept for results alone.
///
/// The stream itself is moved to a descriptor of its own and its place is taken by standard error, so that a
/// stray `print` in a stage cannot end up between results.
final class ResultWriter: Sendable {
  private struct State {
    var descriptor: Int32
    var failure: SystemCallFailure?
  }

  private let state: Mutex<State>

  init() { state = Mutex(State(descriptor: ProcessSetup.takeStandardOutput())) }

  /// What ended the writing, in words; nil while all is well.
  ///
  /// What is written after it is lost, what is recorded is not.
  var trouble: String? {
    state.withLock(\.failure).map {
      $0.isOutOfSpace
        ? "no space left on the device of standard output" : "standard output was closed"
    }
  }

  /// Whether results were lost for want of room; a reader that went away wanted no more of them.
  var ranOutOfSpace: Bool { state.withLock(\.failure)?.isOutOfSpace == true }

  /// Writes one line whole; false once the reader has gone away or the disk is full.
  @discardableResult
  func writeLine(_ line: String) -> Bool { write(Array(line.utf8) + [0x0A]) }

  /// Writes text as it is.
  func writeText(_ text: String) { write(Array(text.utf8)) }

  @discardableResult
  private func write(_ bytes: [UInt8]) -> Bool {
    state.withLock { state in
      guard state.failure == nil else { return false }
      state.failure = RawDescriptor.failure(writing: bytes, to: state.descriptor)
      return state.failure == nil
    }
  }
}
