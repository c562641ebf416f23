/// The options of one stage, checked against its descriptor.
public struct StageOptions: Sendable {
  private let values: [String: OptionValue]

  /// Checks names, types and ranges.
  ///
  /// - Throws: `OptionError` that names the option, what it takes, and the nearest known name.
  public init(_ values: [String: OptionValue] = [:], for descriptor: StageDescriptor)
    throws(OptionError)
  {
    var checked: [String: OptionValue] = [:]
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      guard let option = descriptor.options.first(where: { $0.name == name }) else {
        throw OptionError(unknown: name, of: descriptor)
      }
      guard let accepted = option.kind.accepting(value) else {
        throw OptionError(value: value, of: option, stage: descriptor.name)
      }
      checked[name] = accepted
    }
    self.values = checked
  }

  /// The value of an option, or its default.
  public subscript<Value>(option: StageOption<Value>) -> Value {
    values[option.descriptor.name].flatMap(option.read) ?? option.fallback
  }

  /// Whether the option was given.
  public func has<Value>(_ option: StageOption<Value>) -> Bool {
    values[option.descriptor.name] != nil
  }
}

extension OptionKind {
  /// The value in this kind's own form, nil when it is none of its values.
  ///
  /// A text from the command line (`--set edge=1600`) is read as what the option takes.
  func accepting(_ value: OptionValue) -> OptionValue? {
    switch (self, value) {
    case (.integer(let range), .integer(let number)): return range.contains(number) ? value : nil
    case (.integer(let range), .text(let text)):
      guard let number = Int(text), range.contains(number) else { return nil }
      return .integer(number)
    case (.number(let range), .integer(let whole)):
      return range.contains(Double(whole)) ? .number(Double(whole)) : nil
    case (.number(let range), .number(let number)): return range.contains(number) ? value : nil
    case (.number(let range), .text(let text)):
      guard let number = Double(text), range.contains(number) else { return nil }
      return .number(number)
    case (.text, .text), (.flag, .flag), (.list, .list), (.table, .table): return value
    case (.choice(let words), .text(let text)): return words.contains(text) ? value : nil
    case (.flag, .text("true")): return .flag(true)
    case (.flag, .text("false")): return .flag(false)
    case (.list, .text(let text)): return .list(text.split(separator: ",").map(String.init))
    default: return nil
    }
  }
}

/// An option that a stage does not take as given.
public struct OptionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The option's name.
  public let option: String
  /// What is wrong and what would be right.
  public let description: String

  /// Describes what is wrong with an option and what would be right.
  public init(option: String, _ description: String) {
    self.option = option
    self.description = description
  }

  init(unknown name: String, of descriptor: StageDescriptor) {
    let known = descriptor.options.map(\.name)
    let shown = Sanitizer.clean(name, limit: 60)
    self.init(
      option: name,
      "stage \"\(descriptor.name)\" has no option \"\(shown)\""
        + NearestName.suggestion(for: name, among: known)
        + (known.isEmpty ? " (it takes none)" : " (it takes \(known.joined(separator: ", ")))"))
  }

  init(value: OptionValue, of option: OptionDescriptor, stage: String) {
    let unit = option.unit.map { " \($0)" } ?? ""
    self.init(
      option: option.name,
      "option \"\(option.name)\" of stage \"\(stage)\" takes \(option.kind.summary)\(unit), "
        + "not \(Sanitizer.clean(value.description, limit: 60))"
        // A table cannot be told in one word of a command line.
        + (option.kind == .table ? "; set it name by name: \(stage).\(option.name).NAME=VALUE" : "")
    )
  }
}
