import IntakeCore
import IntakeSystem

/// Why a program failed at an item, or at starting.
enum ProgramFault: Error, Equatable {
  /// It ended, or closed its output, before it had answered.
  case ended
  /// It did not answer in time.
  case overdue
  /// The run stopped.
  case cancelled
  /// It broke the protocol; what it wrote, in words.
  case violated(String)
  /// It answered an item that was settled before: the one at hand is not to blame.
  case lateAnswer
  /// It could not be started again; why, in words.
  case unstartable(String)
  /// It failed too often in a row.
  case givenUp

  init(_ trouble: RunningProgram.Trouble) {
    switch trouble {
    case .ended: self = .ended
    case .overdue: self = .overdue
    case .cancelled: self = .cancelled
    case .flooded: self = .violated("more output than one answer may have")
    }
  }
}
