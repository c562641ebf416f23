/// A password or key: it prints as `[secret]` and is compared without telling where it differs.
///
/// Wiping memory in Swift is best effort at most (copies are made behind the scenes), so the type
/// promises only that nothing prints it.
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

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Always `[secret]`.
  public var description: String { "[secret]" }
  /// Always `[secret]`.
  public var debugDescription: String { "[secret]" }
  /// A mirror without children, so that `dump` shows nothing either.
  public var customMirror: Mirror { Mirror(self, children: [:], displayStyle: .struct) }
}
