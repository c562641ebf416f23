import IntakeCore

/// What is known of a request when faults are chosen; the last three only after its body was read.
struct RequestFacts {
  /// Counts the requests to the APIs from 1.
  let number: Int
  /// Counts the connections from 1.
  let connection: Int
  /// Counts the requests of the connection from 1.
  let use: Int
  /// The path.
  let path: String
  /// The service, once known.
  var service: String?
  /// The e-mail or CustomerID, once known.
  var customer: String?
  /// Counts the requests about the customer from 1, once known.
  var attempt: Int?
}

/// One `@…` of a fault: which requests it is for.
enum FaultCondition: Sendable, Equatable {
  case number(ClosedRange<Int>)
  case every(Int)
  case connection(ClosedRange<Int>)
  case use(ClosedRange<Int>)
  case path(String)
  case attempt(ClosedRange<Int>)
  case customer(String)
  case service(String)

  /// The names that stand before an equals sign; `email` and `id` are the customer's two names.
  static let names = ["connection", "use", "path", "try", "email", "id", "service"]

  /// Needs what only the body tells.
  var needsBody: Bool {
    switch self {
    case .attempt, .customer, .service: return true
    default: return false
    }
  }

  /// Whether the request is one of those meant.
  func holds(for facts: RequestFacts) -> Bool {
    switch self {
    case .number(let range): return range.contains(facts.number)
    case .every(let step): return facts.number % step == 0
    case .connection(let range): return range.contains(facts.connection)
    case .use(let range): return range.contains(facts.use)
    case .path(let pattern): return Glob.matches(facts.path, pattern)
    case .attempt(let range): return facts.attempt.map(range.contains) ?? false
    case .customer(let pattern): return facts.customer.map { Glob.matches($0, pattern) } ?? false
    case .service(let pattern): return facts.service.map { Glob.matches($0, pattern) } ?? false
    }
  }

  /// Reads the text after an at sign; throws what is wrong with it.
  init(_ text: String) throws(FaultSyntax) {
    if text.hasPrefix("every:") {
      guard let step = Int(text.dropFirst(6)), step > 0 else {
        throw FaultSyntax("\"every:\" takes a number from 1 up, as in @every:10")
      }
      self = .every(step)
      return
    }
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      self = .number(try FaultCondition.range(text))
      return
    }
    let value = PercentText.decoded(parts[1])
    switch parts[0] {
    case "connection": self = .connection(try FaultCondition.range(value))
    case "use": self = .use(try FaultCondition.range(value))
    case "try": self = .attempt(try FaultCondition.range(value))
    case "path": self = .path(value)
    case "email", "id": self = .customer(value)
    case "service": self = .service(value)
    default:
      let name = String(parts[0])
      let nearest = NearestName.suggestion(for: name, among: FaultCondition.names)
      throw FaultSyntax("there is no condition \"\(Sanitizer.clean(name, limit: 40))\"\(nearest)")
    }
  }

  /// `3`, `1-5`, or `4-` for all from 4 on.
  private static func range(_ text: String) throws(FaultSyntax) -> ClosedRange<Int> {
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    if let low = Int(parts[0]), low > 0 {
      if parts.count == 1 { return low...low }
      if parts[1].isEmpty { return low...Int.max }
      if let high = Int(parts[1]), high >= low { return low...high }
    }
    let shown = Sanitizer.clean(text, limit: 40)
    throw FaultSyntax("\"\(shown)\" is no request number: write @3, @1-5, @4- or @every:10")
  }
}

/// What is wrong with a fault, without the fault itself.
struct FaultSyntax: Error {
  let message: String
  init(_ message: String) { self.message = message }
}

/// Patterns with `*` for any run of characters and `?` for one, whatever their case.
enum Glob {
  /// Whether the whole text fits the pattern.
  static func matches(_ text: String, _ pattern: String) -> Bool {
    let text = Array(text.lowercased().unicodeScalars)
    let pattern = Array(pattern.lowercased().unicodeScalars)
    var (place, index) = (0, 0)
    var retry: (place: Int, index: Int)?
    while place < text.count {
      if index < pattern.count, pattern[index] == "*" {
        retry = (place, index + 1)
        index += 1
      } else if index < pattern.count, pattern[index] == "?" || pattern[index] == text[place] {
        place += 1
        index += 1
      } else if let last = retry {
        // The star takes one character more, and what follows it is tried anew.
        retry = (last.place + 1, last.index)
        (place, index) = (last.place + 1, last.index)
      } else {
        return false
      }
    }
    return pattern[index...].allSatisfy { $0 == "*" }
  }
}
