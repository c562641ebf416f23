import IntakeCore

/// One injected fault: what goes wrong, and with which requests; deterministic, so that a run can be repeated.
public struct Fault: Sendable, CustomStringConvertible {
  /// The fault as it was written.
  public let description: String
  let effect: FaultEffect
  /// The HTTP status that stands for the effect, as in `429@3`.
  let code: Int?
  /// The parameters, given or default; a flag that is given has an empty value.
  private let values: [String: String]
  private let conditions: [FaultCondition]

  /// Reads a fault such as `429:retry-after=2@1-5`; the error names what is wrong and the nearest known name.
  public init(_ text: String) throws(SandboxError) {
    do {
      self = try Fault(parsing: text)
    } catch {
      throw SandboxError("--fault \"\(Sanitizer.clean(text, limit: 80))\": \(error)")
    }
  }

  private init(parsing text: String) throws(SandboxError) {
    description = text
    let parts = text.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
    let pieces = parts[0].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    // `latency=40` gives the first parameter its value without naming it.
    let (name, value) = pieces[0].halves(at: "=") ?? (pieces[0], nil)
    (effect, code) = try FaultEffect.named(name)
    var given = Array(pieces.dropFirst())
    if let code, effect.name == FaultEffect.early.name { given.append("status=\(code)") }
    if let value {
      guard let first = effect.parameters.first else {
        throw SandboxError("\"\(name)\" takes no value")
      }
      given.append("\(first.name)=\(value)")
    }
    values = try Fault.parameters(given, of: effect)
    var conditions: [FaultCondition] = []
    for part in parts.dropFirst() { conditions.append(try FaultCondition(part)) }
    if case .opening = effect.action, conditions.contains(where: \.needsBody) {
      throw SandboxError(
        "it acts before the body is read, so it takes a request number, connection, use or path")
    }
    self.conditions = conditions + effect.conditions
  }

  private static func parameters(
    _ given: [String], of effect: FaultEffect
  ) throws(SandboxError) -> [String: String] {
    var values: [String: String] = [:]
    for parameter in effect.parameters { values[parameter.name] = parameter.standard }
    for piece in given {
      let (name, encoded) = piece.halves(at: "=") ?? (piece, nil)
      let value = encoded.map { PercentText.decoded($0) }
      guard let parameter = effect.parameters.first(where: { $0.name == name }) else {
        let known = effect.parameters.map(\.name)
        throw SandboxError("there is no parameter \(name.quoted(known: known))")
      }
      if let complaint = parameter.complaint(value) { throw SandboxError("\(name) \(complaint)") }
      // A line break in a header field would start another one.
      guard value?.utf8.contains(where: { $0 < 0x20 }) != true else {
        throw SandboxError("\(name) holds a control character")
      }
      values[name] = value ?? ""
    }
    return values
  }

  func applies(to request: LoggedRequest) -> Bool { conditions.allSatisfy { $0.holds(request) } }

  subscript(name: String) -> Int { values[name].flatMap { Int($0) } ?? 0 }

  func text(_ name: String) -> String? { values[name] }

  func has(_ name: String) -> Bool { values[name] != nil }

  var isSuccess: Bool { code.map { (200...299).contains($0) } ?? false }
}

/// A value that an effect takes, as `name=value` after a colon, or a flag when it is just `name`.
struct FaultParameter: Sendable {
  let name: String
  let form: String
  var standard: String?
  let complaint: @Sendable (String?) -> String?

  static func flag(_ name: String) -> Self {
    Self(name: name, form: ":\(name)") { $0 == nil ? nil : "takes no value" }
  }

  /// Any text; `%3A` stands for a colon, `%40` for an at sign.
  static func text(_ name: String) -> Self {
    Self(name: name, form: ":\(name)=TEXT") { $0 == nil ? "needs a value" : nil }
  }

  /// A whole number within a range, and its value when it isn't given.
  static func integer(_ name: String, _ range: ClosedRange<Int>, _ standard: Int) -> Self {
    Self(name: name, form: ":\(name)=\(standard)", standard: String(standard)) { value in
      if let number = value.flatMap({ Int($0) }), range.contains(number) { return nil }
      return "takes a whole number from \(range.lowerBound) to \(range.upperBound)"
    }
  }

  /// Milliseconds, an hour at most.
  static func milliseconds(_ standard: Int) -> Self { .integer("ms", 0...3_600_000, standard) }

  static func status(_ standard: Int) -> Self { .integer("status", 200...599, standard) }
}
