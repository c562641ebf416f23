/// What an option says about itself.
public struct OptionDescriptor: Sendable {
  /// The name in plans and after `--set stage.`: lower case and hyphens.
  public internal(set) var name: String
  /// What values it takes.
  public let kind: OptionKind
  /// The value when the option is left out, nil for none.
  public let defaultValue: OptionValue?
  /// What the number counts: `pixels`, `bytes`, `seconds`.
  public let unit: String?
  /// One line on what it does.
  public let help: String
  /// Whether it is a path that starts at the plan's folder when a plan file gives it.
  public let isPath: Bool
}

/// The values that an option takes.
public enum OptionKind: Sendable, Equatable {
  /// A whole number in a range.
  case integer(ClosedRange<Int>)
  /// A number in a range.
  case number(ClosedRange<Double>)
  /// Any text.
  case text
  /// One of a few words.
  case choice([String])
  /// true or false.
  case flag
  /// A list of texts.
  case list
  /// Names with texts.
  case table

  /// Whether JSON has a form of its own for the values, so that a text is of another type.
  var isScalar: Bool {
    switch self {
    case .integer, .number, .flag: return true
    case .text, .choice, .list, .table: return false
    }
  }

  /// The values in words: `whole number, 1 to 100`.
  public var summary: String {
    switch self {
    case .integer(let range): return "whole number, \(range.lowerBound) to \(range.upperBound)"
    case .number(let range): return "number, \(range.lowerBound) to \(range.upperBound)"
    case .text: return "text"
    case .choice(let words): return words.joined(separator: " | ")
    case .flag: return "true | false"
    case .list: return "list of texts"
    case .table: return "object of texts"
    }
  }

  /// The value in this kind's own form, nil when the kind does not take it; texts from the command line are parsed.
  func accepting(_ value: OptionValue) -> OptionValue? {
    switch (self, value) {
    case (.integer(let range), .integer(let number)): return range.contains(number) ? value : nil
    case (.integer, .text(let text)): return Int(text).flatMap { accepting(.integer($0)) }
    case (.number(let range), .number(let number)): return range.contains(number) ? value : nil
    case (.number, .integer(let whole)): return accepting(.number(Double(whole)))
    case (.number, .text(let text)): return Double(text).flatMap { accepting(.number($0)) }
    case (.text, .text), (.flag, .flag), (.list, .list), (.table, .table): return value
    case (.choice(let words), .text(let text)): return words.contains(text) ? value : nil
    case (.flag, .text("true")): return .flag(true)
    case (.flag, .text("false")): return .flag(false)
    case (.list, .text(let text)): return .list(text.split(separator: ",").map(String.init))
    default: return nil
    }
  }
}

/// The value of an option as a plan or a command line gives it.
public enum OptionValue: Sendable, Equatable, CustomStringConvertible {
  /// A whole number.
  case integer(Int)
  /// A number.
  case number(Double)
  /// A text; everything that the command line gives.
  case text(String)
  /// true or false.
  case flag(Bool)
  /// A list of texts.
  case list([String])
  /// Names with texts.
  case table([String: String])

  /// The value as a plan would write it.
  public var description: String { json.text }

  /// The value as JSON.
  public var json: JSONOutput {
    switch self {
    case .integer(let value): return .integer(value)
    case .number(let value): return .decimal(value)
    case .text(let value): return .string(value)
    case .flag(let value): return .bool(value)
    case .list(let values): return values.json
    case .table(let table): return table.json
    }
  }

  var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  var number: Double? { if case .number(let value) = self { value } else { nil } }
  var text: String? { if case .text(let value) = self { value } else { nil } }
  var flag: Bool? { if case .flag(let value) = self { value } else { nil } }
  var list: [String]? { if case .list(let values) = self { values } else { nil } }
  var table: [String: String]? { if case .table(let table) = self { table } else { nil } }
}

/// An option that a stage does not have, or with a value that it does not take.
public struct OptionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The option's name.
  public let option: String
  /// What is wrong and what would be right.
  public let description: String
  /// The next step; nil where the list of the stage's options is enough.
  public let hint: String?

  /// Describes what is wrong with an option and what would be right.
  public init(option: String, _ description: String, hint: String? = nil) {
    self.option = option
    self.description = description
    self.hint = hint
  }

  init(unknown name: String, of descriptor: PluginDescriptor) {
    let known = descriptor.options.map(\.name)
    self.init(
      option: name,
      "stage \"\(descriptor.name)\" has no option \(name.quoted(known: known))"
        + (known.isEmpty ? " (it takes none)" : " (it takes \(known.joined(separator: ", ")))"))
  }

  init(value: OptionValue, of option: OptionDescriptor, stage: String) {
    let unit = option.unit.map { " \($0)" } ?? ""
    self.init(
      option: option.name,
      "option \"\(option.name)\" of stage \"\(stage)\" takes \(option.kind.summary)\(unit), "
        + "not \(Sanitizer.clean(value.description, limit: 60))"
        // A command line has no word for a whole table.
        + (option.kind == .table ? "; set it name by name: \(stage).\(option.name).NAME=VALUE" : "")
    )
  }
}
