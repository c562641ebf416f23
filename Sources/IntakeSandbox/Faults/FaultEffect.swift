import IntakeCore

/// One thing that can go wrong on purpose; the grammar, the help and the execution follow from the table of these.
struct FaultEffect: Sendable {
  let name: String
  let summary: String
  /// What it takes; the first may be given as `name=value` right after the effect's own name.
  let parameters: [FaultParameter]
  /// What must hold besides the conditions that are given.
  let conditions: [FaultCondition]
  /// What it does, in the phase of the exchange in which it acts; at most one of a phase acts on a request.
  let action: Action

  init(
    _ name: String, _ summary: String, takes parameters: [FaultParameter] = [],
    on conditions: [FaultCondition] = [], _ action: Action
  ) {
    (self.name, self.summary, self.parameters) = (name, summary, parameters)
    (self.conditions, self.action) = (conditions, action)
  }

  typealias Open = @Sendable (APIExchange, Fault) throws -> Opening
  typealias Decide = @Sendable (Fault, any VendorAPI, PreparedCall) -> Answer
  typealias Spoil = @Sendable (Answer, Fault) -> Answer
  typealias Write = @Sendable (AnswerWriter, Answer, Fault) throws -> AfterAnswer

  enum Action: Sendable {
    /// Before the body is read; only number, connection and path of the request are known then.
    case opening(Open)
    /// In time: adds the first parameter's value to a delay.
    case timing(@Sendable (inout FaultSelection, Int) -> Void)
    /// A made-up decision in place of the vendor's; the request isn't carried out unless `accepted` is given.
    case verdict(Decide)
    /// A request that is carried out, and an answer whose content isn't what was documented.
    case content(Spoil)
    case wire(Wire)
  }

  enum Opening {
    case done(AfterAnswer)
    /// The body is read, at a pace where one is given, after `100 Continue` where the client waits for it.
    case reading(sendsContinue: Bool = true, pacing: Pacing? = nil)
  }

  struct Wire: Sendable {
    /// The request is carried out first; otherwise only with `accepted`.
    var isCarriedOut = true
    var isAnswered = true
    let write: Write
  }

  /// The effect of that name, and its HTTP status where the name is one: `429`, `413-early`.
  static func named(_ name: String) throws(SandboxError) -> (FaultEffect, code: Int?) {
    let all = phases.flatMap(\.effects)
    if let effect = all.first(where: { $0.name == name && $0.name != status.name }) {
      return (effect, nil)
    }
    let isEarly = name.hasSuffix("-early")
    let digits = isEarly ? name.dropLast("-early".count) : name[...]
    if let code = Int(digits), digits.utf8.count == 3 {
      guard (200...599).contains(code) else {
        throw SandboxError("an HTTP status is a number from 200 to 599")
      }
      return (isEarly ? early : status, code)
    }
    let known = all.map(\.name) + ["413-early"]
    throw SandboxError("there is no effect \(name.quoted(known: known))")
  }

  /// The name and what it does, then the parameters with their defaults, at most 90 columns wide.
  fileprivate var help: String {
    let margin = String(repeating: " ", count: 22)
    let text = summary.wrapped(to: 68).joined(separator: "\n" + margin)
    let parameters = parameters.map(\.form).joined(separator: " ")
    return "  " + name.padded(to: 20) + text
      + (parameters.isEmpty ? "" : "\n" + margin + parameters)
      + "\n"
  }
}

extension Sandbox {
  /// What `--fault` can begin with.
  public static var faultNames: [String] { FaultEffect.phases.flatMap(\.effects).map(\.name) }

  /// The grammar of `--fault`, for `sandbox --help`.
  public static var faultGrammar: String {
    let sections = FaultEffect.phases.map { title, effects in
      "\n\(title):\n" + effects.map(\.help).joined()
    }
    return String(decoding: PackageResources.faults_txt, as: UTF8.self) + sections.joined()
  }
}
