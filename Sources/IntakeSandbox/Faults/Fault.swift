import IntakeCore

/// One injected fault: what goes wrong, and with which requests; deterministic, so that a run can be repeated.
public struct Fault: Sendable, CustomStringConvertible {
  /// The fault as it was written.
  public let description: String
  let effect: FaultEffect
  /// The HTTP status that stands for the effect, as in `429@3`.
  let code: Int?
  private let values: [String: String]
  private let flags: Set<String>
  private let conditions: [FaultCondition]

  /// Reads a fault such as `429:retry-after=2@1-5`; the error names what is wrong and the nearest known name.
  public init(_ text: String) throws(SandboxError) {
    do {
      self = try Fault(parsing: text)
    } catch {
      throw .fault("--fault \"\(Sanitizer.clean(text, limit: 80))\": \(error.message)")
    }
  }

  private init(parsing text: String) throws(FaultSyntax) {
    description = text
    let parts = text.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
    let pieces = parts[0].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    // `latency=40` gives the first parameter its value without naming it.
    let head = pieces[0].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    (effect, code) = try FaultEffect.named(String(head[0]))
    var given = Array(pieces.dropFirst())
    if let code, effect.name == FaultEffect.early.name { given.append("status=\(code)") }
    if head.count == 2 {
      guard let first = effect.parameters.first else {
        throw FaultSyntax("\"\(head[0])\" takes no value")
      }
      given.append("\(first.name)=\(head[1])")
    }
    (values, flags) = try Fault.parameters(given, of: effect)
    var conditions: [FaultCondition] = []
    for part in parts.dropFirst() { conditions.append(try FaultCondition(part)) }
    if case .opening = effect.action, conditions.contains(where: \.needsBody) {
      throw FaultSyntax(
        "it acts before the body is read, so it takes a request number, connection, use or path")
    }
    self.conditions = conditions + effect.conditions
  }

  private static func parameters(
    _ given: [String], of effect: FaultEffect
  ) throws(FaultSyntax) -> (values: [String: String], flags: Set<String>) {
    var values: [String: String] = [:]
    var flags: Set<String> = []
    for piece in given {
      let pair = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(pair[0])
      let value = pair.count == 2 ? PercentText.decoded(pair[1]) : nil
      let known = effect.parameters
      guard let parameter = known.first(where: { $0.name == name }) else {
        let nearest = NearestName.suggestion(for: name, among: known.map(\.name))
        throw FaultSyntax("there is no parameter \"\(Sanitizer.clean(name, limit: 40))\"\(nearest)")
      }
      if let complaint = parameter.complaint(about: value) { throw FaultSyntax(complaint) }
      // A line break in a header field would start another one.
      guard value?.utf8.contains(where: { $0 < 0x20 }) != true else {
        throw FaultSyntax("\(name) holds a control character")
      }
      if let value { values[name] = value } else { flags.insert(name) }
    }
    return (values, flags)
  }

  func applies(to request: LoggedRequest) -> Bool { conditions.allSatisfy { $0.holds(request) } }

  /// The value of a whole-number parameter, given or default.
  subscript(name: String) -> Int {
    if let number = values[name].flatMap({ Int($0) }) { return number }
    let parameter = effect.parameters.first { $0.name == name }
    guard case .integer(_, _, let otherwise) = parameter else { return 0 }
    return otherwise
  }

  func text(_ name: String) -> String? { values[name] }

  var isSuccess: Bool { code.map { (200...299).contains($0) } ?? false }

  func has(_ name: String) -> Bool { flags.contains(name) }
}

/// What is wrong with a fault, without the fault itself.
struct FaultSyntax: Error {
  let message: String
  init(_ message: String) { self.message = message }
}

/// A value that an effect takes, as `name=value` after a colon, or a flag when it is just `name`.
enum FaultParameter: Sendable {
  case flag(String)
  /// Any text; `%3A` stands for a colon, `%40` for an at sign.
  case text(String)
  /// A whole number within a range, and its value when it is not given.
  case integer(String, ClosedRange<Int>, Int)

  /// Milliseconds, an hour at most.
  static func milliseconds(_ otherwise: Int) -> Self { .integer("ms", 0...3_600_000, otherwise) }

  /// An HTTP status for a made-up answer.
  static func status(_ otherwise: Int) -> Self { .integer("status", 200...599, otherwise) }

  var name: String {
    switch self {
    case .flag(let name), .text(let name), .integer(let name, _, _): return name
    }
  }

  var form: String {
    switch self {
    case .flag: return ":\(name)"
    case .text: return ":\(name)=TEXT"
    case .integer(_, _, let otherwise): return ":\(name)=\(otherwise)"
    }
  }

  /// What is wrong with a value for this parameter, nil when it is right.
  func complaint(about value: String?) -> String? {
    switch self {
    case .flag: return value == nil ? nil : "\(name) takes no value"
    case .text: return value == nil ? "\(name) needs a value" : nil
    case .integer(_, let range, _):
      if let value, let number = Int(value), range.contains(number) { return nil }
      return "\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound)"
    }
  }
}
