import Synchronization

/// The options of a plugin; each property that is marked `@Option` is one.
public protocol PluginOptions: Sendable {
  /// Every option with its default.
  init()
}

/// For plugins that take no options.
public struct NoOptions: PluginOptions {
  /// There is nothing to set.
  public init() {}
}

/// An option: declared once as a property, listed in the descriptor, read where it is needed.
///
///     @Option("longer side at most", in: 320...20_000, unit: "pixels") var edge = 2048
///
/// A plan names it by the property's name in lower case with hyphens (`maxBytes` is `max-bytes`), unless
/// `name` says otherwise. `$edge.isGiven` tells a value that was given from the default.
@propertyWrapper
public struct Option<Value: Sendable>: Sendable {
  private final class Slot: Sendable {
    let value = Mutex<Value?>(nil)
  }

  fileprivate let declaration: OptionDescriptor
  private let fallback: Value
  private let read: @Sendable (OptionValue) -> Value?
  private let slot = Slot()

  private init(
    _ fallback: Value, _ declaration: OptionDescriptor,
    read: @escaping @Sendable (OptionValue) -> Value?
  ) {
    self.declaration = declaration
    self.fallback = fallback
    self.read = read
  }

  /// The value that was given, or the default.
  public var wrappedValue: Value { slot.value.withLock { $0 } ?? fallback }

  /// The option itself.
  public var projectedValue: Option<Value> { self }

  /// Whether a plan or a command line gave the option.
  public var isGiven: Bool { slot.value.withLock { $0 != nil } }
}

extension Option where Value == Int {
  /// A whole number in a range.
  public init(
    wrappedValue: Int, _ help: String, in range: ClosedRange<Int>, unit: String? = nil,
    name: String? = nil
  ) {
    self.init(
      wrappedValue,
      OptionDescriptor(name, .integer(range), .integer(wrappedValue), unit: unit, help: help),
      read: \.integer)
  }
}

extension Option where Value == Int? {
  /// A whole number in a range that may be left out.
  public init(
    wrappedValue: Int?, _ help: String, in range: ClosedRange<Int>, unit: String? = nil,
    name: String? = nil
  ) {
    self.init(
      wrappedValue,
      OptionDescriptor(
        name, .integer(range), wrappedValue.map(OptionValue.integer), unit: unit, help: help),
      read: { .some($0.integer) })
  }
}

extension Option where Value == Double {
  /// A number in a range.
  public init(
    wrappedValue: Double, _ help: String, in range: ClosedRange<Double>, unit: String? = nil,
    name: String? = nil
  ) {
    self.init(
      wrappedValue,
      OptionDescriptor(name, .number(range), .number(wrappedValue), unit: unit, help: help),
      read: \.number)
  }
}

extension Option where Value == Bool {
  /// true or false.
  public init(wrappedValue: Bool, _ help: String, name: String? = nil) {
    self.init(
      wrappedValue, OptionDescriptor(name, .flag, .flag(wrappedValue), help: help), read: \.flag)
  }
}

extension Option where Value == String {
  /// Any text.
  public init(wrappedValue: String, _ help: String, isPath: Bool = false, name: String? = nil) {
    self.init(
      wrappedValue,
      OptionDescriptor(name, .text, .text(wrappedValue), help: help, isPath: isPath), read: \.text)
  }
}

extension Option where Value == String? {
  /// A text that may be left out; a path in a plan file starts at the folder of that file.
  public init(wrappedValue: String?, _ help: String, isPath: Bool = false, name: String? = nil) {
    self.init(
      wrappedValue,
      OptionDescriptor(
        name, .text, wrappedValue.map(OptionValue.text), help: help, isPath: isPath),
      read: { .some($0.text) })
  }
}

extension Option where Value == [String] {
  /// A list of texts; a path is the first of them, a program before its arguments.
  public init(wrappedValue: [String], _ help: String, isPath: Bool = false, name: String? = nil) {
    self.init(
      wrappedValue,
      OptionDescriptor(
        name, .list, wrappedValue.isEmpty ? nil : .list(wrappedValue), help: help, isPath: isPath),
      read: \.list)
  }
}

extension Option where Value == [String: String] {
  /// Names with texts.
  public init(wrappedValue: [String: String], _ help: String, name: String? = nil) {
    self.init(
      wrappedValue,
      OptionDescriptor(
        name, .table, wrappedValue.isEmpty ? nil : .table(wrappedValue), help: help),
      read: \.table)
  }
}

extension Option where Value: RawRepresentable<String> & CaseIterable {
  /// One of a few words: the cases of an enumeration.
  public init(wrappedValue: Value, _ help: String, name: String? = nil) {
    self.init(
      wrappedValue,
      OptionDescriptor(
        name, .choice(Value.allCases.map(\.rawValue)), .text(wrappedValue.rawValue), help: help),
      read: { $0.text.flatMap(Value.init(rawValue:)) })
  }
}

/// An option without the type of its value.
private protocol DeclaredOption {
  var declaration: OptionDescriptor { get }
  func take(_ value: OptionValue)
}

extension Option: DeclaredOption {
  /// Once, before anybody reads.
  fileprivate func take(_ value: OptionValue) { slot.value.withLock { $0 = read(value) } }
}

extension PluginOptions {
  /// Checks the values and puts them into the properties.
  init(_ values: [String: OptionValue], of descriptor: PluginDescriptor) throws(OptionError) {
    let checked = try descriptor.checked(values)
    self.init()
    for (descriptor, option) in declared {
      if let value = checked[descriptor.name] { option.take(value) }
    }
  }

  static var descriptors: [OptionDescriptor] { Self().declared.map(\.0) }

  /// The properties that are options; a wrapper is stored under the property's name with a "_" before it.
  private var declared: [(OptionDescriptor, any DeclaredOption)] {
    Mirror(reflecting: self).children.compactMap { child in
      guard let option = child.value as? any DeclaredOption else { return nil }
      var descriptor = option.declaration
      if descriptor.name.isEmpty {
        descriptor.name = hyphenated(String((child.label ?? "").drop { $0 == "_" }))
      }
      return (descriptor, option)
    }
  }
}

/// `maxBytes` as `max-bytes`, `keepICC` as `keep-icc`.
private func hyphenated(_ name: String) -> String {
  var result = ""
  for (index, letter) in zip(name.indices, name) {
    let next = name[index...].dropFirst().first
    let startsWord =
      letter.isUppercase && (result.last?.isUppercase == false || next?.isLowercase == true)
    if startsWord, !result.isEmpty { result += "-" }
    result.append(letter)
  }
  return result.lowercased()
}
