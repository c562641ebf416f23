/// An option with the Swift type of its value: declared once, listed in the descriptor, read in `init`.
public struct StageOption<Value: Sendable>: Sendable {
  /// What the option says about itself.
  public let descriptor: OptionDescriptor
  let read: @Sendable (OptionValue) -> Value?
  let fallback: Value

  init(
    _ descriptor: OptionDescriptor, fallback: Value,
    read: @escaping @Sendable (OptionValue) -> Value?
  ) {
    self.descriptor = descriptor
    self.read = read
    self.fallback = fallback
  }
}

extension StageOption where Value == Int {
  /// A whole number in a range.
  public static func integer(
    _ name: String, in range: ClosedRange<Int>, default value: Int, unit: String? = nil,
    help: String
  ) -> StageOption<Int> {
    StageOption(
      OptionDescriptor(
        name: name, kind: .integer(range), defaultValue: .integer(value), unit: unit, help: help),
      fallback: value
    ) { if case .integer(let value) = $0 { value } else { nil } }
  }
}

extension StageOption where Value == Int? {
  /// A whole number in a range that may be left out.
  public static func optionalInteger(
    _ name: String, in range: ClosedRange<Int>, unit: String? = nil, help: String
  ) -> StageOption<Int?> {
    StageOption(
      OptionDescriptor(
        name: name, kind: .integer(range), defaultValue: nil, unit: unit, help: help),
      fallback: nil
    ) { if case .integer(let value) = $0 { value } else { nil } }
  }
}

extension StageOption where Value == Double {
  /// A number in a range.
  public static func number(
    _ name: String, in range: ClosedRange<Double>, default value: Double, unit: String? = nil,
    help: String
  ) -> StageOption<Double> {
    StageOption(
      OptionDescriptor(
        name: name, kind: .number(range), defaultValue: .number(value), unit: unit, help: help),
      fallback: value
    ) { if case .number(let value) = $0 { value } else { nil } }
  }
}

extension StageOption where Value == Bool {
  /// true or false.
  public static func flag(_ name: String, default value: Bool = false, help: String)
    -> StageOption<Bool>
  {
    StageOption(
      OptionDescriptor(name: name, kind: .flag, defaultValue: .flag(value), unit: nil, help: help),
      fallback: value
    ) { if case .flag(let value) = $0 { value } else { nil } }
  }
}

extension StageOption where Value == String {
  /// One of a few words.
  public static func choice(
    _ name: String, of words: [String], default value: String, help: String
  ) -> StageOption<String> {
    StageOption(
      OptionDescriptor(
        name: name, kind: .choice(words), defaultValue: .text(value), unit: nil, help: help),
      fallback: value
    ) { if case .text(let value) = $0 { value } else { nil } }
  }
}

extension StageOption where Value == String? {
  /// A text that may be left out; a path in a plan file starts at the folder of that file.
  public static func text(_ name: String, isPath: Bool = false, help: String)
    -> StageOption<String?>
  {
    StageOption(
      OptionDescriptor(
        name: name, kind: .text, defaultValue: nil, unit: nil, help: help, isPath: isPath),
      fallback: nil
    ) { if case .text(let value) = $0 { value } else { nil } }
  }
}

extension StageOption where Value == [String] {
  /// A list of texts; a path is the first of them, a program before its arguments.
  public static func list(_ name: String, isPath: Bool = false, help: String)
    -> StageOption<[String]>
  {
    StageOption(
      OptionDescriptor(
        name: name, kind: .list, defaultValue: nil, unit: nil, help: help, isPath: isPath),
      fallback: []
    ) { if case .list(let values) = $0 { values } else { nil } }
  }
}

extension StageOption where Value == [String: String] {
  /// Names with texts.
  public static func table(_ name: String, help: String) -> StageOption<[String: String]> {
    StageOption(
      OptionDescriptor(name: name, kind: .table, defaultValue: nil, unit: nil, help: help),
      fallback: [:]
    ) { if case .table(let table) = $0 { table } else { nil } }
  }
}
