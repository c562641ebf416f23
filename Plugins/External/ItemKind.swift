public import IntakeCore

/// A value that can travel to a program and back: its form in messages, and how an answer is checked.
public protocol ItemKind: Sendable {
  /// What the stage takes and returns.
  associatedtype Value: Sendable
  /// The name of the kind in plans and messages: `image`, `prepared`, `submission`.
  static var name: String { get }
  /// Prepares a value for its journey.
  init(_ value: Value) throws
  /// The fields of the message, in order.
  func fields(in context: StageContext) -> [(String, JSONOutput)]
  /// The bytes that follow the message.
  var payload: [[UInt8]] { get }
  /// The value that an answer stands for.
  ///
  /// - Throws: `StageFailure` when it is none, or must not go on.
  func value(from answer: ItemAnswer, in context: StageContext) throws -> Value
}

/// An answer that changes an item: its message and the bytes that came with each part.
public struct ItemAnswer: Sendable {
  /// The message.
  public let message: JSONValue
  /// The bytes by the place of the object whose `bytes` announced them.
  let parts: [Int: [UInt8]]

  /// The bytes that an object of the message announced, nil when it announced none.
  public func bytes(of object: JSONValue?) -> [UInt8]? { object.flatMap { parts[$0.offset] } }
}
