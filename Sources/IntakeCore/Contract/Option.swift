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
/// `name` says otherwise. Options of a structure inside stand beside the others. `$edge.isGiven` distinguishes
/// a value that was given from the default.
@propertyWrapper
public struct Option<Value: Sendable>: Sendable {
  private final class Slot: Sendable {
    let value = Mutex<Value?>(nil)
  }

  fileprivate let declaration: OptionDescriptor
  private let fallback: Value
  private let read: @Sendable (OptionValue) -> Value?
  private let slot = Slot()

  /// The name is empty until it is known which property holds the option.
  private init(
    _ fallback: Value, _ help: String, _ kind: OptionKind, _ defaultValue: OptionValue?,
    unit: String? = nil, isPath: Bool = false, name: String?,
    read: @escaping @Sendable (OptionValue) -> Value?
  ) {
    declaration = OptionDescriptor(
      name: name ?? "", kind: kind, defaultValue: defaultValue, unit: unit, help: help,
      isPath: isPath)
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

extension Option {
  /// A whole number in a range.
  public init(
    wrappedValue: Int, _ help: String, in range: ClosedRange<Int>, unit: String? = nil,
    name: String? = nil
  ) where Value == Int {
    self.init(
      wrappedValue, help, .integer(range), .integer(wrappedValue), unit: unit, name: name,
      read: \.integer)
  }

  /// A whole number in a range that may be left out.
  public init(
    wrappedValue: Int?, _ help: String, in range: ClosedRange<Int>, unit: String? = nil,
    name: String? = nil
  ) where Value == Int? {
    self.init(
      wrappedValue, help, .integer(range), wrappedValue.map(OptionValue.integer), unit: unit,
      name: name, read: { .some($0.integer) })
  }

  /// A number in a range.
  public init(
    wrappedValue: Double, _ help: String, in range: ClosedRange<Double>, unit: String? = nil,
    name: String? = nil
  ) where Value == Double {
    self.init(
      wrappedValue, help, .number(range), .number(wrappedValue), unit: unit, name: name,
      read: \.number)
  }

  /// true or false.
  public init(wrappedValue: Bool, _ help: String, name: String? = nil) where Value == Bool {
    self.init(wrappedValue, help, .flag, .flag(wrappedValue), name: name, read: \.flag)
  }

  /// Any text.
  public init(wrappedValue: String, _ help: String, isPath: Bool = false, name: String? = nil)
  where Value == String {
    self.init(
      wrappedValue, help, .text, .text(wrappedValue), isPath: isPath, name: name, read: \.text)
  }

  /// A text that may be left out; a path in a plan file starts at the folder of that file.
  public init(wrappedValue: String?, _ help: String, isPath: Bool = false, name: String? = nil)
  where Value == String? {
    self.init(
      wrappedValue, help, .text, wrappedValue.map(OptionValue.text), isPath: isPath, name: name,
      read: { .some($0.text) })
  }

  /// A list of texts; a path is the first of them, a program before its arguments.
  public init(wrappedValue: [String], _ help: String, isPath: Bool = false, name: String? = nil)
  where Value == [String] {
    self.init(
      wrappedValue, help, .list, wrappedValue.isEmpty ? nil : .list(wrappedValue), isPath: isPath,
      name: name, read: \.list)
  }

  /// Names with texts.
  public init(wrappedValue: [String: String], _ help: String, name: String? = nil)
  where Value == [String: String] {
    self.init(
      wrappedValue, help, .table, wrappedValue.isEmpty ? nil : .table(wrappedValue), name: name,
      read: \.table)
  }

  /// One of a few words: the cases of an enumeration.
  public init(wrappedValue: Value, _ help: String, name: String? = nil)
  where Value: RawRepresentable<String> & CaseIterable {
    self.init(
      wrappedValue, help, .choice(Value.allCases.map(\.rawValue)), .text(wrappedValue.rawValue),
      name: name, read: { $0.text.flatMap(Value.init(rawValue:)) })
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
    for (descriptor, option) in declaredOptions(in: self) {
      if let value = checked[descriptor.name] { option.take(value) }
    }
  }

  static var descriptors: [OptionDescriptor] { declaredOptions(in: Self()).map(\.0) }
}

/// The properties that are options, also of values inside; a wrapper is stored as the property's name after a "_".
private func declaredOptions(in value: Any) -> [(OptionDescriptor, any DeclaredOption)] {
  let mirror = Mirror(reflecting: value)
  // Objects may lead back to themselves.
  guard mirror.displayStyle != .class else { return [] }
  return mirror.children.flatMap { child in
    guard let option = child.value as? any DeclaredOption else {
      return declaredOptions(in: child.value)
    }
    var descriptor = option.declaration
    if descriptor.name.isEmpty {
      descriptor.name = hyphenated(String((child.label ?? "").drop { $0 == "_" }))
    }
    return [(descriptor, option)]
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
