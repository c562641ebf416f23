import IntakeCore

/// What goes wrong, by the phase of the exchange in which it does.
enum FaultEffect: Sendable, Equatable {
  case opening(OpeningEffect)
  case timing(TimingEffect)
  case verdict(VerdictEffect)
  case content(ContentEffect)
  case wire(WireEffect)

  /// The effect itself, for its parameters.
  var kind: any FaultKind {
    switch self {
    case .opening(let kind): return kind
    case .timing(let kind): return kind
    case .verdict(let kind): return kind
    case .content(let kind): return kind
    case .wire(let kind): return kind
    }
  }

  /// The name it is written with.
  var name: String { kind.rawValue }

  /// All effects, in the order in which they act.
  static let all: [FaultEffect] =
    OpeningEffect.allCases.map { .opening($0) } + TimingEffect.allCases.map { .timing($0) }
    + VerdictEffect.allCases.map { .verdict($0) } + ContentEffect.allCases.map { .content($0) }
    + WireEffect.allCases.map { .wire($0) }

  /// The effect of that name, and its HTTP status where the name is one: `429`, `413-early`.
  static func named(_ name: String) throws(FaultSyntax) -> (FaultEffect, code: Int?) {
    if let effect = all.first(where: { $0.name == name && name != "CODE" }) {
      return (effect, nil)
    }
    let isEarly = name.hasSuffix("-early")
    let digits = isEarly ? name.dropLast("-early".count) : name[...]
    if let code = Int(digits), digits.utf8.count == 3 {
      guard (200...599).contains(code) else {
        throw FaultSyntax("an HTTP status is a number from 200 to 599")
      }
      return (isEarly ? .opening(.early) : .verdict(.status), code)
    }
    let names = all.map(\.name) + ["413-early"]
    let nearest = NearestName.suggestion(for: name, among: names)
    throw FaultSyntax("there is no effect \"\(Sanitizer.clean(name, limit: 40))\"\(nearest)")
  }
}
