/// The stages that a plan can name, as a value: copy it, add to it, hand it on.
public struct StageRegistry: Sendable {
  /// The stages in the order in which they were added.
  public private(set) var entries: [StageEntry] = []

  /// Starts with no stage.
  public init() {}

  /// The same registry with more stages and journals; a name that is taken already is reported by `check()`.
  public func adding(_ plugins: any Plugin.Type...) -> StageRegistry {
    var registry = self
    registry.entries += plugins.map { StageEntry($0) }
    return registry
  }

  /// The same registry with a family of stages.
  public func adding(_ family: any StageFamily.Type) -> StageRegistry {
    var registry = self
    registry.entries.append(StageEntry(family))
    return registry
  }

  /// The entry of that name.
  public subscript(name: String) -> StageEntry? { entries.first { $0.descriptor.name == name } }

  /// Every name, in order.
  public var names: [String] { entries.map(\.descriptor.name) }

  /// Refuses names that no plan can use or that occur twice, and plugins that fit nowhere.
  public func check() throws(RegistrationError) {
    for entry in entries { try entry.check() }
    if let name = repeated(in: names) {
      throw RegistrationError("two stages are called \"\(name)\": remove or rename one of them")
    }
    let targets = vendors.flatMap { [$0.name, $0.emulation?.name].compactMap(\.self) }
    if let target = repeated(in: targets) {
      throw RegistrationError("two targets are called \"\(target)\": rename one of them")
    }
  }
}

private func repeated(in names: [String]) -> String? {
  var seen: Set<String> = []
  return names.first { !seen.insert($0).inserted }
}

/// A registry that cannot be used.
public struct RegistrationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong.
  public let description: String
  init(_ description: String) { self.description = description }
}

/// Stages that do the same work on several types under one name; the options of a plan entry choose one.
public protocol StageFamily: Sendable {
  /// The options of every member.
  associatedtype Options: PluginOptions
  /// Every member, the default one first; all have the same name.
  static var members: [any Stage.Type] { get }
  /// The member that these options choose; one of `members`.
  static func member(for options: Options) -> any Stage.Type
}

/// One registered name: what the stage says about itself, where it fits, and how to make one.
public struct StageEntry: Sendable {
  /// Name, summary and options.
  public let descriptor: PluginDescriptor
  /// What it takes and returns; where an option decides, every shape, the one without options first.
  public let shapes: [StageShape]
  let plugin: any Plugin.Type
  /// Of a family, the stage that the options choose.
  private var member: (@Sendable ([String: OptionValue]) throws(OptionError) -> any Plugin.Type)?

  fileprivate init(_ plugin: any Plugin.Type) {
    descriptor = plugin.descriptor
    shapes = [StageShape(plugin)]
    self.plugin = plugin
  }

  fileprivate init<Family: StageFamily>(_: Family.Type) {
    let first = Family.member(for: Family.Options())
    let descriptor = first.descriptor
    self.descriptor = descriptor
    shapes = Family.members.map { StageShape($0) }
    plugin = first
    member = { values throws(OptionError) in
      Family.member(for: try Family.Options(values, of: descriptor))
    }
  }

  /// What the stage takes and returns; where an option decides, without options.
  public var shape: StageShape { StageShape(plugin) }

  /// Whether it keeps the ledger.
  var keepsLedger: Bool { plugin is any Journal.Type }

  /// The member of a family that an entry of a plan chooses; options that cannot be used count as left out.
  public func choosing(_ planned: PlannedStage) -> StageEntry {
    (try? choosing(planned.options)) ?? self
  }

  func choosing(_ values: [String: OptionValue]) throws(OptionError) -> StageEntry {
    guard let member else { return self }
    return StageEntry(try member(values))
  }

  /// The role that the stage's shape fills: `load`, `decode`, `image`, `shrink`, `encode`, `assemble`,
  /// `submit`, `record` and so on; nil for a shape of its own.
  public var role: String? {
    switch (shape.input, shape.output) {
    case (is Void.Type, _): return "load"
    case (is Outcome.Type, _): return "record"
    case (is IntakeRecord.Type, is IntakeRecord.Type): return "row"
    case (is ImageFile.Type, is ImageFile.Type): return "file"
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

  /// The protocol that the engine needs for a stage of this shape, nil where the stage has it.
  private var missingConformance: String? {
    switch role {
    case "load": return plugin is any Loader.Type ? nil : "Loader"
    case "record": return keepsLedger || plugin is any Recorder.Type ? nil : "Recorder"
    case "assemble": return plugin is any Assembler.Type ? nil : "Assembler"
    case "submit": return plugin is any Submitter.Type ? nil : "Submitter"
    default: return plugin is any Stage.Type ? nil : "Stage or Journal"
    }
  }

  fileprivate func check() throws(RegistrationError) {
    let name = descriptor.name
    guard PluginDescriptor.isName(name) else {
      throw RegistrationError(
        "\"\(name)\" isn't a valid stage name: use a-z, 0-9 and hyphens, starting with a letter")
    }
    guard vendor == nil || vendor?.name == name else {
      throw RegistrationError("the vendor of stage \"\(name)\" has another name than the stage")
    }
    if let option = repeated(in: descriptor.options.map(\.name)) {
      throw RegistrationError(
        "two options of stage \"\(name)\" are called \"\(option)\": rename one of them")
    }
    if let missingConformance {
      throw RegistrationError(
        "\"\(name)\" matches no role: make it conform to \(missingConformance)")
    }
  }

  /// The roles that an ordinary plan fills with one stage each, in order.
  public static let mainRoles = [
    "load", "decode", "shrink", "encode", "assemble", "submit", "record",
  ]
}

/// What a stage takes and returns.
public struct StageShape: Sendable, Equatable, CustomStringConvertible {
  /// The type it takes.
  public let input: any Any.Type
  /// The type it returns.
  public let output: any Any.Type

  /// Two shapes are the same when both their ends are.
  public static func == (left: StageShape, right: StageShape) -> Bool {
    left.input == right.input && left.output == right.output
  }

  /// `DocumentImage → PreparedImage`; the ends of the pipeline in words.
  public var description: String { "\(StageShape.name(input)) → \(StageShape.name(output))" }

  static func name(_ type: any Any.Type) -> String { type == Void.self ? "·" : "\(type)" }
}

extension StageShape {
  /// The place of a plugin in the pipeline; a loader stands for its rows, a journal takes outcomes.
  init(_ plugin: any Plugin.Type) {
    func open<S: Stage>(_: S.Type) -> StageShape {
      StageShape(input: S.Input.self, output: S.Output.self)
    }
    switch plugin {
    case is any Loader.Type: self.init(input: Void.self, output: IntakeRecord.self)
    case is any Journal.Type: self.init(input: Outcome.self, output: Void.self)
    case let stage as any Stage.Type: self = open(stage)
    default: self.init(input: Never.self, output: Never.self)
    }
  }
}
