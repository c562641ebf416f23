/// The stages that a plan can name, as a value: copy it, add to it, hand it on.
public struct StageRegistry: Sendable {
  /// The stages in the order in which they were added.
  public private(set) var entries: [StageEntry]

  /// Starts with the given entries.
  public init(_ entries: [StageEntry] = []) { self.entries = entries }

  /// The same registry with more stages; a name that is taken already is reported by `check()`.
  public func adding(_ stages: any Stage.Type...) -> StageRegistry {
    StageRegistry(entries + stages.map { StageEntry(opening: $0) })
  }

  /// The same registry with another loader.
  public func adding(loader: any Loader.Type) -> StageRegistry {
    StageRegistry(entries + [StageEntry(loader: loader)])
  }

  /// The same registry with more recorders.
  public func adding(recorder recorders: any Recorder.Type...) -> StageRegistry {
    StageRegistry(entries + recorders.map { StageEntry(opening: $0) })
  }

  /// The same registry with a family of stages.
  public func adding(family: any StageFamily.Type) -> StageRegistry {
    StageRegistry(entries + [StageEntry(opening: family)])
  }

  /// The same registry without some stages.
  public func removing(_ names: String...) -> StageRegistry {
    StageRegistry(entries.filter { !names.contains($0.descriptor.name) })
  }

  /// The entry of that name.
  public subscript(name: String) -> StageEntry? { entries.first { $0.descriptor.name == name } }

  /// Every name, in order.
  public var names: [String] { entries.map(\.descriptor.name) }

  /// Refuses names that stand twice or are no names.
  ///
  /// - Throws: `RegistrationError` that says which.
  public func check() throws(RegistrationError) {
    var seen: Set<String> = []
    for name in names {
      guard let first = name.utf8.first, (0x61...0x7A).contains(first),
        name.utf8.allSatisfy({
          (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
        })
      else { throw RegistrationError("\"\(name)\" is no stage name: use a-z, 0-9 and hyphens") }
      guard seen.insert(name).inserted else {
        throw RegistrationError("two stages are called \"\(name)\": remove or rename one of them")
      }
    }
  }
}

/// A registry that cannot be used.
public struct RegistrationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong.
  public let description: String
  init(_ description: String) { self.description = description }
}

/// One registered stage: what it says about itself, where it fits, and how to make one.
public struct StageEntry: Sendable {
  /// Name, summary and options.
  public let descriptor: StageDescriptor
  /// What it takes and returns; where an option decides, every shape, the one without options first.
  public let shapes: [StageShape]
  /// Whether it is a recorder that the engine can rely on.
  let keepsLedger: Bool
  let make: @Sendable (StageOptions) throws(OptionError) -> StageInstance
  private let member: (@Sendable (StageOptions) -> StageEntry)?

  private init(
    _ descriptor: StageDescriptor, _ shapes: [StageShape], keepsLedger: Bool = false,
    member: (@Sendable (StageOptions) -> StageEntry)? = nil,
    make: @escaping @Sendable (StageOptions) throws(OptionError) -> StageInstance
  ) {
    self.descriptor = descriptor
    self.shapes = shapes
    self.keepsLedger = keepsLedger
    self.member = member
    self.make = make
  }

  /// An entry for a stage that takes a value and returns the next one.
  public init<S: Stage>(_ stage: S.Type) {
    let shape = StageShape(input: S.Input.self, output: S.Output.self)
    self.init(S.descriptor, [shape]) { options throws(OptionError) in
      StageInstance(try S(options: options))
    }
  }

  init(opening stage: any Stage.Type) {
    func open<S: Stage>(_ stage: S.Type) -> StageEntry { StageEntry(stage) }
    self = open(stage)
  }

  init(opening recorder: any Recorder.Type) {
    func open<R: Recorder>(_ recorder: R.Type) -> StageEntry { StageEntry(recorder: recorder) }
    self = open(recorder)
  }

  init(opening family: any StageFamily.Type) {
    func open<F: StageFamily>(_ family: F.Type) -> StageEntry { StageEntry(family: family) }
    self = open(family)
  }

  /// An entry for stages under one name, of which the options choose one.
  public init<F: StageFamily>(family: F.Type) {
    let shapes = F.members.map { StageEntry(opening: $0).shape }
    let member: @Sendable (StageOptions) -> StageEntry = { StageEntry(opening: F.member(for: $0)) }
    self.init(F.descriptor, shapes, member: member) { options throws(OptionError) in
      try member(options).make(options)
    }
  }

  /// An entry for a loader.
  public init<L: Loader>(loader: L.Type) {
    self.init(L.descriptor, [.loader]) { options throws(OptionError) in
      .loader(try L(options: options))
    }
  }

  /// An entry for a recorder.
  public init<R: Recorder>(recorder: R.Type) {
    self.init(R.descriptor, [.recorder], keepsLedger: R.self is any Journal.Type) {
      options throws(OptionError) in
      .recorder(try R(options: options))
    }
  }

  /// What the stage takes and returns; where an option decides, without options.
  public var shape: StageShape { shapes.first ?? StageShape(input: Never.self, output: Never.self) }

  /// The entry that these options choose: itself unless it stands for a family.
  public func choosing(_ options: StageOptions) -> StageEntry { member?(options) ?? self }

  /// The entry that an entry of a plan chooses; options that are none choose as if they were not there.
  public func choosing(_ planned: PlannedStage) -> StageEntry {
    guard let member, let options = try? StageOptions(planned.options, for: descriptor) else {
      return self
    }
    return member(options)
  }
}

/// What a stage takes and returns.
public struct StageShape: Sendable, Equatable, CustomStringConvertible {
  /// The type it takes.
  public let input: any Any.Type
  /// The type it returns.
  public let output: any Any.Type

  init(input: any Any.Type, output: any Any.Type) {
    self.input = input
    self.output = output
  }

  static let loader = StageShape(input: Void.self, output: IntakeRecord.self)
  static let recorder = StageShape(input: Outcome.self, output: Void.self)

  /// Two shapes are the same when both their ends are.
  public static func == (left: StageShape, right: StageShape) -> Bool {
    left.input == right.input && left.output == right.output
  }

  /// `DocumentImage → PreparedImage`; the ends of the pipeline in words.
  public var description: String { "\(StageShape.name(input)) → \(StageShape.name(output))" }

  static func name(_ type: any Any.Type) -> String {
    switch type {
    case is Void.Type: return "·"
    default: return "\(type)"
    }
  }
}

extension StageEntry {
  /// The role that the stage's shape fills: `load`, `decode`, `image`, `shrink`, `encode`, `assemble`,
  /// `submit`, `record` and so on; nil for a shape of its own.
  public var role: String? {
    switch (shape.input, shape.output) {
    case (is Void.Type, _): return "load"
    case (is Outcome.Type, _): return "record"
    case (is IntakeRecord.Type, is IntakeRecord.Type): return "row"
    case (is ImageFile.Type, is DocumentImage.Type): return "decode"
    case (is DocumentImage.Type, is DocumentImage.Type): return "image"
    case (is DocumentImage.Type, is PreparedImage.Type): return "shrink"
    case (is PreparedImage.Type, is PreparedImage.Type): return "prepared"
    case (is PreparedImage.Type, is EncodedImage.Type): return "encode"
    case (is Assembly.Type, is Submission.Type): return "assemble"
    case (is Submission.Type, is Submission.Type): return "submission"
    case (is Submission.Type, is Receipt.Type): return "submit"
    default: return nil
    }
  }

  /// The roles of which an ordinary plan has one stage each, in their order.
  public static let mainRoles = [
    "load", "decode", "shrink", "encode", "assemble", "submit", "record",
  ]
}
