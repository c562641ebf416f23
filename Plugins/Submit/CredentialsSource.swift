public import IntakeCore

/// Where the operator keeps the credentials: a file, an open descriptor, or a command that prints them.
public enum CredentialsSource: Sendable, Equatable {
  /// A file that only its owner can read.
  case file(String)
  /// A descriptor that is open for reading.
  case descriptor(Int32)
  /// A command that prints them.
  case command(String)

  /// More than any key file; a larger one is a mistake.
  static let sizeLimit = 65_536

  /// Reads `FILE`, `fd:N` or `command:…`, as `--credentials` takes them.
  public init(_ text: String) throws(StageFailure) {
    if text.hasPrefix("fd:") {
      guard let number = Int32(text.dropFirst(3)), number >= 0, number != 1, number != 2 else {
        throw .credentials("fd: takes the number of a descriptor that is open for reading")
      }
      self = .descriptor(number)
    } else if text.hasPrefix("command:") {
      guard !text.dropFirst(8).allSatisfy(\.isWhitespace) else {
        throw .credentials("command: is followed by no command")
      }
      self = .command(String(text.dropFirst(8)))
    } else {
      guard !text.isEmpty, !text.utf8.contains(0) else {
        throw .credentials("--credentials names no file")
      }
      self = .file(text)
    }
  }

  /// Reads the source to its end, private key included.
  public func read() throws(StageFailure) -> Credentials {
    switch self {
    case .file(let path):
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./"
      return try Credentials(json: try SecretFile(path).read(), keyFolder: folder)
    case .descriptor(let number):
      return try Credentials(json: try SecretDescriptor(number).read(), keyFolder: nil)
    case .command(let command):
      return try Credentials(json: try CredentialsCommand(command).run(), keyFolder: nil)
    }
  }
}

extension StageFailure {
  /// Credentials that cannot be used; never repeats what they hold.
  static func credentials(_ detail: String, hint: String? = nil) -> StageFailure {
    StageFailure(
      .credentialsRefused, detail, hint: hint ?? "correct --credentials; nothing was sent",
      outcome: .fatal)
  }
}
