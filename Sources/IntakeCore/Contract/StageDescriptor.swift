/// What a stage says about itself, once: help, plans, errors and documentation are made from it.
public struct StageDescriptor: Sendable {
  /// The name in plans: lower case, digits and hyphens, starting with a letter.
  public let name: String
  /// One line on what it does.
  public let summary: String
  /// The options it takes.
  public let options: [OptionDescriptor]
  /// A plan entry that works, as JSON.
  public let example: String

  /// Describes a stage.
  public init(name: String, summary: String, options: [OptionDescriptor] = [], example: String) {
    self.name = name
    self.summary = summary
    self.options = options
    self.example = example
  }
}

/// What an option says about itself.
public struct OptionDescriptor: Sendable {
  /// The name in plans and after `--set stage.`: lower case and hyphens.
  public let name: String
  /// What values it takes.
  public let kind: OptionKind
  /// The value without the option, nil when there is none.
  public let defaultValue: OptionValue?
  /// What the number counts: `pixels`, `bytes`, `seconds`.
  public let unit: String?
  /// One line on what it does.
  public let help: String
  /// Whether it is a path that starts at the plan's folder when a plan file gives it.
  public let isPath: Bool

  /// Describes an option.
  public init(
    name: String, kind: OptionKind, defaultValue: OptionValue?, unit: String?, help: String,
    isPath: Bool = false
  ) {
    self.isPath = isPath
    self.name = name
    self.kind = kind
    self.defaultValue = defaultValue
    self.unit = unit
    self.help = help
  }
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
    case .list(let values): return .array(values.map { .string($0) })
    case .table(let table):
      return .object(table.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
    }
  }
}
