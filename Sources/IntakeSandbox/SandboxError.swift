import IntakeCore

/// Why the sandbox cannot be set up or started; each says what is wrong and what to do.
public enum SandboxError: Error, Sendable, Equatable {
  /// Another program listens on the port.
  case portInUse(port: UInt16)
  /// The system refused the socket.
  case cannotListen(port: UInt16, errno: Int32)
  /// A `--fault` does not follow the grammar.
  case fault(String)
  /// A `--switch` is unknown or has no such value.
  case option(String)
  /// The Noah public key cannot be used.
  case publicKey(String)
  /// The state directory cannot be read or written.
  case state(String)
}

extension SandboxError: CustomStringConvertible {
  /// One sentence with the next step.
  public var description: String {
    switch self {
    case .portInUse(let port):
      return "port \(port) is in use: choose another, or port 0 for a free one"
    case .cannotListen(let port, let code):
      return "cannot listen on 127.0.0.1:\(port) (errno \(code)): choose a port above 1023, or 0"
    case .fault(let text), .option(let text), .publicKey(let text), .state(let text): return text
    }
  }
}
