import IntakeCore

/// A value that an effect takes, as `name=value` after a colon, or a flag when it is just `name`.
struct FaultParameter: Sendable {
  /// The name.
  let name: String
  /// What values it takes.
  let kind: Kind

  /// The kinds of values.
  enum Kind: Sendable {
    /// Present or not.
    case flag
    /// Any text; `%3A` stands for a colon, `%40` for an at sign.
    case text
    /// A whole number within a range, and its value when it is not given.
    case integer(ClosedRange<Int>, otherwise: Int)
  }

  /// A flag.
  static func flag(_ name: String) -> FaultParameter { FaultParameter(name: name, kind: .flag) }

  /// A text.
  static func text(_ name: String) -> FaultParameter { FaultParameter(name: name, kind: .text) }

  /// Milliseconds, an hour at most.
  static func milliseconds(_ otherwise: Int) -> FaultParameter {
    FaultParameter(name: "ms", kind: .integer(0...3_600_000, otherwise: otherwise))
  }

  /// A whole number.
  static func integer(
    _ name: String, _ range: ClosedRange<Int>, _ otherwise: Int
  ) -> FaultParameter {
    FaultParameter(name: name, kind: .integer(range, otherwise: otherwise))
  }

  /// How the help shows it.
  var form: String {
    switch kind {
    case .flag: return ":\(name)"
    case .text: return ":\(name)=TEXT"
    case .integer(_, let otherwise): return ":\(name)=\(otherwise)"
    }
  }

  /// Why a value is none for this parameter, nil when it is.
  func complaint(about value: String?) -> String? {
    switch kind {
    case .flag: return value == nil ? nil : "\(name) takes no value"
    case .text: return value == nil ? "\(name) needs a value" : nil
    case .integer(let range, _):
      if let value, let number = Int(value), range.contains(number) { return nil }
      return "\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound)"
    }
  }
}

/// The effects of one phase of an exchange; at most one of a phase acts on a request.
protocol FaultKind: RawRepresentable<String>, CaseIterable, Sendable {
  /// The parameters; the first may be given as `name=value` right after the effect's own name.
  var parameters: [FaultParameter] { get }
  /// What it does, in one line.
  var summary: String { get }
}
