import IntakeCore

/// One injected fault: what goes wrong, and with which requests; nothing is random, so a run can be repeated.
package struct Fault: Sendable, CustomStringConvertible {
  /// The fault as it was written.
  package let description: String
  let effect: FaultEffect
  /// The HTTP status in the effect's name, as in `429@3`.
  let code: Int?
  /// The parameters, given or default; a flag that is given has an empty value.
  private let values: [String: String]
  private let conditions: [FaultCondition]

  /// Reads a fault such as `429:retry-after=2@1-5`; the error names what is wrong and the nearest known name.
  package init(_ text: String) throws(SandboxError) {
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
    if let code, effect.name == "early" { given.append("status=\(code)") }
    if let value {
      guard let first = effect.parameters.first else {
        throw SandboxError("\"\(name)\" takes no value")
      }
      given.append("\(first.name)=\(value)")
    }
    values = try Fault.parameters(given, of: effect)
    var conditions: [FaultCondition] = []
    for part in parts.dropFirst() { conditions.append(try FaultCondition(part)) }
    if effect.phase == .opening, conditions.contains(where: \.needsBody) {
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
      // A line break in a header field would start another field.
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

  /// Whether a request that it acts on is carried out.
  var carriesOut: Bool {
    effect.carriesOut && effect.phase != .verdict || isSuccess || has("accepted")
  }
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

/// One `@…` of a fault: which requests it is for.
struct FaultCondition: Sendable {
  /// It depends on the body.
  var needsBody = false
  let holds: @Sendable (LoggedRequest) -> Bool

  static let reusesConnection = FaultCondition { $0.use > 1 }

  /// Counts that `name=` compares with a range.
  private static let counts: [String: @Sendable (LoggedRequest) -> Int] = [
    "connection": \.connection, "use": \.use, "try": \.attempt,
  ]

  /// Texts that `name=` compares with a pattern; `email` and `id` are the customer's two names.
  private static let texts: [String: @Sendable (LoggedRequest) -> String?] = [
    "path": \.path, "email": \.customer, "id": \.customer, "service": \.service,
  ]

  init(needsBody: Bool = false, _ holds: @escaping @Sendable (LoggedRequest) -> Bool) {
    (self.needsBody, self.holds) = (needsBody, holds)
  }

  /// Reads the text after an at sign; throws what is wrong with it.
  init(_ text: String) throws(SandboxError) {
    if text.hasPrefix("every:") {
      guard let step = Int(text.dropFirst(6)), step > 0 else {
        throw SandboxError("\"every:\" takes a number from 1 up, as in @every:10")
      }
      self.init { $0.number % step == 0 }
    } else if let (name, value) = text.halves(at: "=") {
      try self.init(name, PercentText.decoded(value))
    } else {
      let range = try FaultCondition.range(text)
      self.init { range.contains($0.number) }
    }
  }

  private init(_ name: String, _ value: String) throws(SandboxError) {
    let needsBody = ["try", "email", "id", "service"].contains(name)
    if let count = FaultCondition.counts[name] {
      let range = try FaultCondition.range(value)
      self.init(needsBody: needsBody) { range.contains(count($0)) }
    } else if let text = FaultCondition.texts[name] {
      self.init(needsBody: needsBody) { Glob.matches(text($0), value) }
    } else {
      let known = FaultCondition.counts.keys.sorted() + FaultCondition.texts.keys.sorted()
      throw SandboxError("there is no condition \(name.quoted(known: known))")
    }
  }

  /// `3`, `1-5`, or `4-` for all from 4 on.
  private static func range(_ text: String) throws(SandboxError) -> ClosedRange<Int> {
    let (first, last) = text.halves(at: "-") ?? (text, text)
    if let low = Int(first), low > 0, let high = last.isEmpty ? .max : Int(last), high >= low {
      return low...high
    }
    throw SandboxError(
      "\(text.quoted()) isn't a request number: write @3, @1-5, @4- or @every:10")
  }
}

/// Patterns with `*` for any run of characters and `?` for one, ignoring case.
enum Glob {
  static func matches(_ text: String?, _ pattern: String) -> Bool {
    guard let text = text.map({ Array($0.lowercased().unicodeScalars) }) else { return false }
    // The possible lengths of the text that the pattern matches so far.
    var lengths: Set = [0]
    for scalar in pattern.lowercased().unicodeScalars {
      guard let shortest = lengths.min() else { return false }
      if scalar == "*" {
        lengths = Set(shortest...text.count)
      } else {
        let fitting = lengths.filter { $0 < text.count && (scalar == "?" || scalar == text[$0]) }
        lengths = Set(fitting.map { $0 + 1 })
      }
    }
    return lengths.contains(text.count)
  }
}
