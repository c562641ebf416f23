/// A plan: stages by name, in order, with their options; read from a JSON file or built in.
public struct PipelinePlan: Sendable {
  /// The stages in order.
  public var stages: [PlannedStage]
  /// The text that the plan was read from, for positions in messages; empty for built-in plans.
  let source: [UInt8]

  /// Makes a plan in code.
  public init(_ stages: [PlannedStage]) {
    self.stages = stages
    source = []
  }

  /// Reads `{"stages":[{"stage":"load"},{"stage":"shrink","edge":1600},…]}`; errors name line and column.
  public init(json bytes: [UInt8]) throws(PlanError) {
    source = bytes
    let root: JSONValue
    do throws(JSONParser.Failure) {
      root = try JSONParser.parse(bytes)
    } catch {
      throw PlanError(error.message, at: TextPosition(offset: error.offset, in: bytes))
    }
    guard let fields = root.fields else {
      throw PlanError("a plan is an object with a list \"stages\"", at: root, in: bytes)
    }
    for field in fields where field.name != "stages" {
      throw PlanError(
        "unknown field " + field.name.quoted(known: ["stages"]),
        at: TextPosition(offset: field.offset, in: bytes))
    }
    guard let elements = root["stages"]?.elements else {
      throw PlanError("a plan needs a list \"stages\"", at: root["stages"] ?? root, in: bytes)
    }
    stages = []
    for element in elements { stages.append(try PlannedStage(element, in: bytes)) }
  }

  /// Where an offset of the source stands, nil for plans made in code.
  func position(_ offset: Int?) -> TextPosition? {
    offset.map { TextPosition(offset: $0, in: source) }
  }

  /// The same plan with texts of the command line (`edge=1600`) in the form that each option takes.
  public func typed(for registry: StageRegistry) -> PipelinePlan {
    var plan = self
    plan.changeOptions(for: registry) { $0.kind.accepting($1) ?? $1 }
    return plan
  }

  /// The plan as JSON, one stage a line.
  public var json: String {
    "{\"stages\":[\n"
      + stages.map { "  " + $0.json.text }.joined(separator: ",\n")
      + "\n]}"
  }
}

extension PipelinePlan {
  /// Makes relative paths start at the folder of the plan; a program's only where it is named with a "/".
  public mutating func resolvePaths(in folder: String, for registry: StageRegistry) {
    changeOptions(for: registry) { $0.isPath ? $1.starting(at: folder) : $1 }
  }

  private mutating func changeOptions(
    for registry: StageRegistry, _ changed: (OptionDescriptor, OptionValue) -> OptionValue
  ) {
    for index in stages.indices {
      for option in registry[stages[index].name]?.descriptor.options ?? [] {
        stages[index].options[option.name] = stages[index].options[option.name].map {
          changed(option, $0)
        }
      }
    }
  }
}

extension OptionValue {
  fileprivate func starting(at folder: String) -> OptionValue {
    switch self {
    case .text(let path) where !path.isEmpty && !path.hasPrefix("/"):
      return .text("\(folder)/\(path)")
    case .list(let words):
      guard let path = words.first, path.contains("/"), !path.hasPrefix("/") else { return self }
      return .list(["\(folder)/\(path)"] + words.dropFirst())
    default: return self
    }
  }
}

/// One entry of a plan.
public struct PlannedStage: Sendable {
  /// The stage's name.
  public let name: String
  /// The options as given.
  public var options: [String: OptionValue]
  var offset: Int?
  var optionOffsets: [String: Int] = [:]

  /// Makes an entry in code.
  public init(_ name: String, _ options: [String: OptionValue] = [:]) {
    self.name = name
    self.options = options
  }

  /// Gives an option another value than the one in the text of the plan.
  public mutating func set(_ option: String, to value: OptionValue) {
    options[option] = value
    optionOffsets[option] = nil
  }

  /// Refuses a text where a plan writes a number or a flag; on the command line every value is a text.
  func checkTypes(of options: [OptionDescriptor]) throws(OptionError) {
    for option in options where option.kind.isScalar && optionOffsets[option.name] != nil {
      if let value = self.options[option.name], case .text = value {
        throw OptionError(value: value, of: option, stage: name)
      }
    }
  }

  init(_ value: JSONValue, in source: [UInt8]) throws(PlanError) {
    guard let fields = value.fields else {
      throw PlanError(
        "a stage is an object such as {\"stage\":\"shrink\"}, not \(value.kindName)",
        at: value, in: source)
    }
    guard let name = value["stage"] else {
      throw PlanError("the field \"stage\" with the stage's name is missing", at: value, in: source)
    }
    guard let text = name.string else {
      throw PlanError("a stage's name is a string, not \(name.kindName)", at: name, in: source)
    }
    self.init(text)
    offset = name.offset
    for field in fields where field.name != "stage" {
      guard let option = OptionValue(field.value) else {
        let culprit = OptionValue.culprit(in: field.value)
        let name = field.name.quoted()
        throw PlanError(
          culprit.offset == field.value.offset
            ? "option \(name) cannot be \(culprit.kindName)"
            : "option \(name) holds texts, not \(culprit.kindName)",
          at: culprit, in: source)
      }
      options[field.name] = option
      optionOffsets[field.name] = field.value.offset
    }
  }

  var json: JSONOutput {
    .object(
      [("stage", .string(name))]
        + options.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) })
  }
}

extension OptionValue {
  /// The value of an option as JSON holds it, nil for kinds that no option takes.
  init?(_ value: JSONValue) {
    switch value.kind {
    case .null: return nil
    case .bool(let flag): self = .flag(flag)
    case .string(let text): self = .text(text)
    case .number:
      let number = value.integer.map(OptionValue.integer) ?? value.number.map(OptionValue.number)
      guard let number else { return nil }
      self = number
    case .array(let elements):
      let texts = elements.compactMap(\.scalarText)
      guard texts.count == elements.count else { return nil }
      self = .list(texts)
    case .object(let fields):
      var table: [String: String] = [:]
      for field in fields {
        guard let text = field.value.scalarText else { return nil }
        table[field.name] = text
      }
      self = .table(table)
    }
  }

  /// The part of a value that no option takes.
  static func culprit(in value: JSONValue) -> JSONValue {
    let inner = value.elements ?? value.fields?.map(\.value) ?? []
    return inner.first { $0.scalarText == nil } ?? value
  }
}

extension JSONValue {
  /// The text of a string, and of a number or a flag as written: people write `"radius":4` where a text is wanted.
  fileprivate var scalarText: String? {
    switch kind {
    case .string(let text), .number(let text): return text
    case .bool(let flag): return flag ? "true" : "false"
    case .null, .array, .object: return nil
    }
  }
}

/// A plan that cannot be used, with the place in its file.
public struct PlanError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong and what would be right.
  public let message: String
  /// Where, when the plan came from a file.
  public let position: TextPosition?
  /// The command that says more, nil where none does.
  public let hint: String?

  init(_ message: String, at position: TextPosition?, hint: String? = nil) {
    self.message = message
    self.position = position
    self.hint = hint
  }

  init(_ message: String, at value: JSONValue, in source: [UInt8]) {
    self.init(message, at: TextPosition(offset: value.offset, in: source))
  }

  /// `line 3, column 14: …`.
  public var description: String { (position.map { "\($0): " } ?? "") + message }
}
