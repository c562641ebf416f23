/// A value about a person: it travels through the pipeline but prints as `[personal]`.
///
/// Only code that writes `.exposed` sees what is inside, so every place that does is easy to find.
public struct Personal<Value: Sendable>: Sendable {
  /// The value itself; reading it is the one way out of the wrapper.
  public let exposed: Value

  /// Wraps a value so that printing, logging and dumping it shows nothing.
  public init(_ value: Value) { exposed = value }
}

extension Personal: Equatable where Value: Equatable {}
extension Personal: Hashable where Value: Hashable {}

extension Personal: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Always `[personal]`.
  public var description: String { "[personal]" }
  /// Always `[personal]`.
  public var debugDescription: String { "[personal]" }
  /// A mirror without children, so that `dump` shows nothing either.
  public var customMirror: Mirror { Mirror(self, children: [:], displayStyle: .struct) }
}
