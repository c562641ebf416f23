/// Stages of several shapes under one name, of which the options of a plan entry choose one.
///
/// A pipeline is checked by the types of its stages; where the same work is done on several types, each has
/// its own stage, and a family lets a plan name them all alike.
public protocol StageFamily: Sendable {
  /// Name, summary and options of all members.
  static var descriptor: StageDescriptor { get }
  /// Every member, the one that stands where no option says otherwise first; never empty.
  static var members: [any Stage.Type] { get }
  /// The member that these options choose; one of `members`.
  static func member(for options: StageOptions) -> any Stage.Type
}
