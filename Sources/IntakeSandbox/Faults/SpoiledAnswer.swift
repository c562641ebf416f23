import IntakeCore

extension [Fault] {
  func opening(_ request: LoggedRequest) -> (act: FaultEffect.Open, fault: Fault)? {
    for fault in self {
      if case .opening(let act) = fault.effect.action, fault.applies(to: request) {
        return (act, fault)
      }
    }
    return nil
  }

  func selection(_ request: LoggedRequest) -> FaultSelection {
    reduce(into: FaultSelection()) { if $1.applies(to: request) { $0.add($1) } }
  }
}

/// The faults that act on one request: at most one of each phase, and all that are about time.
struct FaultSelection {
  private(set) var names: [String] = []
  /// Milliseconds to wait before the request is carried out.
  var latency = 0
  /// Milliseconds to wait before the answer.
  var slowness = 0
  /// Seconds by which the clock is ahead.
  var clockOffset = 0
  private(set) var verdict: (decide: FaultEffect.Decide, fault: Fault)?
  private(set) var content: (spoil: FaultEffect.Spoil, fault: Fault)?
  private(set) var wire: (effect: FaultEffect.Wire, fault: Fault)?

  /// Adds a fault unless an earlier one of its phase has been chosen.
  mutating func add(_ fault: Fault) {
    switch fault.effect.action {
    case .timing(let add): add(&self, fault.effect.parameters.first.map { fault[$0.name] } ?? 0)
    case .verdict(let decide) where verdict == nil: verdict = (decide, fault)
    case .content(let spoil) where content == nil: content = (spoil, fault)
    case .wire(let effect) where wire == nil: wire = (effect, fault)
    case .opening, .verdict, .content, .wire: return
    }
    names.append(fault.description)
  }

  /// Whether the vendor gets to see the request.
  var carriesOut: Bool {
    if let wire, !wire.effect.isCarriedOut, !wire.fault.has("accepted") { return false }
    guard let fault = verdict?.fault else { return true }
    return fault.isSuccess || fault.has("accepted")
  }
}

/// One `@…` of a fault: which requests it is for.
struct FaultCondition: Sendable {
  /// It needs what only the body says.
  var needsBody = false
  let holds: @Sendable (LoggedRequest) -> Bool

  static let reusesConnection = FaultCondition { $0.use > 1 }

  init(needsBody: Bool = false, _ holds: @escaping @Sendable (LoggedRequest) -> Bool) {
    (self.needsBody, self.holds) = (needsBody, holds)
  }

  private init(
    needsBody: Bool = false, _ range: ClosedRange<Int>,
    of number: @escaping @Sendable (LoggedRequest) -> Int
  ) { self.init(needsBody: needsBody) { range.contains(number($0)) } }

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
      self.init(try FaultCondition.range(text), of: { $0.number })
    }
  }

  /// Reads `name=value`; `email` and `id` are the customer's two names.
  private init(_ name: String, _ value: String) throws(SandboxError) {
    switch name {
    case "connection": self.init(try FaultCondition.range(value), of: { $0.connection })
    case "use": self.init(try FaultCondition.range(value), of: { $0.use })
    case "try": self.init(needsBody: true, try FaultCondition.range(value), of: { $0.attempt })
    case "path": self.init { Glob.matches($0.path, value) }
    case "email", "id": self.init(needsBody: true) { Glob.matches($0.customer, value) }
    case "service": self.init(needsBody: true) { Glob.matches($0.service, value) }
    default:
      let names = ["connection", "use", "path", "try", "email", "id", "service"]
      throw SandboxError("there is no condition \(name.quoted(known: names))")
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

/// Patterns with `*` for any run of characters and `?` for one, whatever their case.
enum Glob {
  static func matches(_ text: String?, _ pattern: String) -> Bool {
    guard let text = text.map({ Array($0.lowercased().unicodeScalars) }) else { return false }
    // How many characters of the text the pattern up to here can stand for.
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
