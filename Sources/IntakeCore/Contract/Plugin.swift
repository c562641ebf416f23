/// Anything that a plan can name: describes itself, is made from checked options, is prepared and finished once.
///
///     struct Sharp: ImageStage {
///       struct Options: PluginOptions {
///         @Option("the least longer side", in: 100...10_000, unit: "pixels") var least = 900
///       }
///       static let name = "sharp"
///       static let summary = "refuse scans that are too small"
///       let options: Options
///       init(options: Options) { self.options = options }
///       …
///     }
public protocol Plugin: Sendable {
  /// The options that a plan entry may have, each declared as a property.
  associatedtype Options: PluginOptions = NoOptions

  /// The name in plans: lower case, digits and hyphens, starting with a letter.
  static var name: String { get }

  /// One line on what it does.
  static var summary: String { get }

  /// A plan entry that works, as JSON; the name alone where nothing else is said.
  static var example: String { get }

  /// Takes options that have been checked one by one; throws for combinations that cannot be declared.
  init(options: Options) throws(OptionError)

  /// Called before any file of the batch is read: refuses options that name a file or an address which can't be used.
  func checkOptions() throws(OptionError)

  /// Called once, before the first item: read key files, start programs.
  func prepare() async throws

  /// Called once, after the last item, when the run stops, or when `prepare` failed somewhere: end programs, close files.
  func finish() async
}

extension Plugin {
  /// The entry without options.
  public static var example: String { #"{"stage":"\#(name)"}"# }
  /// Nothing to check.
  public func checkOptions() throws(OptionError) {}
  /// Nothing to prepare.
  public func prepare() async throws {}
  /// Nothing to finish.
  public func finish() async {}

  /// Everything that help, plans, errors and documentation say, made from the declarations.
  public static var descriptor: PluginDescriptor {
    PluginDescriptor(
      name: name, summary: summary, options: Options.descriptors, example: example)
  }

  /// Makes one from options as a plan or a command line gives them; the error names the option and what it takes.
  public init(given values: [String: OptionValue] = [:]) throws(OptionError) {
    try self.init(options: Options(values, of: Self.descriptor))
  }
}

/// What a plugin says about itself: help, plans, errors and documentation are made from it.
public struct PluginDescriptor: Sendable {
  /// The name in plans.
  public let name: String
  /// One line on what it does.
  public let summary: String
  /// The options it takes, in the order of their declarations.
  public let options: [OptionDescriptor]
  /// A plan entry that works, as JSON.
  public let example: String

  /// Whether a plan can name a stage so: a-z, 0-9 and hyphens, starting with a letter.
  public static func isName(_ text: String) -> Bool {
    text.utf8.first?.isASCIILowercase == true
      && text.utf8.allSatisfy {
        $0.isASCIILowercase || $0.isASCIIDigit || $0 == UInt8(ascii: "-")
      }
  }

  /// The values in the form that each option takes; refuses unknown names, other types and values out of range.
  public func checked(_ values: [String: OptionValue]) throws(OptionError)
    -> [String: OptionValue]
  {
    var checked: [String: OptionValue] = [:]
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      guard let option = options.first(where: { $0.name == name }) else {
        throw OptionError(unknown: name, of: self)
      }
      guard let accepted = option.kind.accepting(value) else {
        throw OptionError(value: value, of: option, stage: self.name)
      }
      checked[name] = accepted
    }
    return checked
  }
}
