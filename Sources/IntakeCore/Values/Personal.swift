/// A value about a person: it prints as `[personal]`, and every place that looks inside says `.exposed`.
public struct Personal<Value: Sendable>: Sendable {
  /// The value itself; reading it is the one way out of the wrapper.
  public let exposed: Value

  /// Wraps a value so that printing, logging and dumping it shows nothing.
  public init(_ value: Value) { exposed = value }
}

extension Personal: Equatable where Value: Equatable {}
extension Personal: Hashable where Value: Hashable {}

extension Personal: Redacted {
  /// Always `[personal]`.
  public var description: String { "[personal]" }
}

/// A password or key: it prints as `[secret]`, and comparing it takes the same time wherever it differs.
public struct Secret: Sendable {
  /// The bytes themselves; reading them is the one way out of the wrapper.
  public let exposed: [UInt8]

  /// Wraps bytes that must not be printed.
  public init(_ bytes: [UInt8]) { exposed = bytes }

  /// Wraps text that must not be printed.
  public init(_ text: String) { exposed = Array(text.utf8) }

  /// Whether both hold the same bytes, in a time that does not depend on where they differ.
  public func matches(_ other: Secret) -> Bool {
    guard exposed.count == other.exposed.count else { return false }
    return zip(exposed, other.exposed).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}

extension Secret: Redacted {
  /// Always `[secret]`.
  public var description: String { "[secret]" }
}

/// A value that prints, debugs and dumps as its `description`, a fixed word.
public protocol Redacted: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
}

extension Redacted {
  /// The same word.
  public var debugDescription: String { description }
  /// A mirror without children, so that `dump` shows nothing either.
  public var customMirror: Mirror { Mirror(self, children: [:], displayStyle: .struct) }
}

/// What a target wants before it lets a request in: named secrets, as read from the operator's file.
public struct Credentials: Sendable {
  /// The secrets by the names of the credentials file: `user`, `pass`, `apiKey`, `privateKey`.
  private let secrets: [String: Secret]

  /// Makes credentials of named secrets.
  public init(_ secrets: [String: Secret]) { self.secrets = secrets }

  /// The secret of that name, or nil when the file has none.
  public subscript(name: String) -> Secret? { secrets[name] }

  /// The names that are there, in alphabetical order; never the secrets.
  public var names: [String] { secrets.keys.sorted() }
}
