import IntakeSystem
import Synchronization

/// Standard output, kept for results alone.
///
/// The stream itself is moved to a descriptor of its own and its place is taken by standard error, so that a
/// stray `print` in a stage cannot end up between results.
final class ResultWriter: Sendable {
  private struct State {
    var descriptor: Int32
    var isClosed = false
  }

  private let state: Mutex<State>

  init() { state = Mutex(State(descriptor: ProcessSetup.takeStandardOutput())) }

  /// Whether the reader went away; what is written then is lost, what is recorded is not.
  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Writes one line whole; false once the reader has gone away or the disk is full.
  @discardableResult
  func writeLine(_ line: String) -> Bool { write(Array(line.utf8) + [0x0A]) }

  /// Writes text as it is.
  func writeText(_ text: String) { write(Array(text.utf8)) }

  @discardableResult
  private func write(_ bytes: [UInt8]) -> Bool {
    state.withLock { state in
      guard !state.isClosed else { return false }
      state.isClosed = !RawDescriptor.write(bytes, to: state.descriptor)
      return !state.isClosed
    }
  }
}
