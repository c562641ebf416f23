public import IntakeCore
import IntakeSystem

/// What a check of a stage or a program found, rule by rule.
public struct ConformanceReport: Sendable {
  /// What was checked: the stage's name or the program's path.
  public let subject: String
  /// One verdict for each rule, in the order in which they were tried.
  public internal(set) var verdicts: [ConformanceVerdict] = []
  /// Hears of each rule as it ends.
  var listener: (@Sendable (ConformanceVerdict) -> Void)?

  /// Whether no rule is broken.
  public var isConforming: Bool { failures.isEmpty }

  /// The rules that are broken.
  public var failures: [ConformanceVerdict] {
    verdicts.filter { if case .failed = $0.outcome { true } else { false } }
  }

  /// A line for each rule, and a total.
  public var text: String {
    (verdicts.map(\.description) + [total]).joined(separator: "\n") + "\n"
  }

  /// How many rules were tried and broken.
  public var total: String { "\(subject): \(verdicts.count) rules, \(failures.count) broken" }

  /// The same for programs: `{"subject","conforming","verdicts":[{"rule","statement","outcome","detail","see"}]}`.
  public var json: JSONOutput {
    JSONOutput(fields: [
      ("subject", subject), ("conforming", isConforming), ("verdicts", verdicts.map(\.json)),
    ])
  }

  mutating func add(_ rule: ConformanceRule, _ outcome: ConformanceVerdict.Outcome) {
    let verdict = ConformanceVerdict(rule: rule, outcome: outcome)
    verdicts.append(verdict)
    listener?(verdict)
  }

  /// Tries a rule, which is broken if `body` throws.
  mutating func check(_ rule: ConformanceRule, _ body: () throws -> Void) {
    do {
      try body()
      add(rule, .passed(nil))
    } catch {
      add(rule, .failed(ConformanceReport.problem(error)))
    }
  }

  /// Notes whether a rule is kept.
  mutating func check(_ rule: ConformanceRule, _ isKept: Bool, _ problem: String) {
    add(rule, isKept ? .passed(nil) : .failed(problem))
  }

  /// An error in words; for a foreign one only its type, as the engine shows it.
  static func problem(_ error: any Error) -> String {
    switch error {
    case let broken as BrokenRule: broken.problem
    case let problem as ProgramTrust.Problem: "\(problem.description): \(problem.hint)"
    case is StageFailure, is OptionError, is PlanError, is RegistrationError: "\(error)"
    default: "it threw \(type(of: error))"
    }
  }
}

/// What is wrong with a stage or program, in words for its author.
struct BrokenRule: Error {
  let problem: String
  /// Whether a program kept silent until its time was over.
  let isStall: Bool

  init(_ problem: String, isStall: Bool = false) {
    (self.problem, self.isStall) = (problem, isStall)
  }
}

func require(_ holds: Bool, _ problem: @autoclosure () -> String) throws(BrokenRule) {
  guard holds else { throw BrokenRule(problem()) }
}

/// What became of one rule.
public struct ConformanceVerdict: Sendable, CustomStringConvertible {
  /// The rule.
  public let rule: ConformanceRule
  /// What was found.
  public let outcome: Outcome

  /// What became of the attempt to break it.
  public enum Outcome: Sendable, Equatable {
    /// The rule is kept; a note if something is worth one.
    case passed(String?)
    /// The rule is broken: what is wrong.
    case failed(String)
    /// The rule could not be tried: why.
    case skipped(String)
  }

  /// `FAIL  greeting  says ready for version 1 …: what is wrong (see …)`.
  public var description: String {
    let name = rule.name.padded(to: 16)
    switch outcome {
    case .passed(let note):
      return "ok    \(name) \(rule.statement)" + (note.map { " (\($0))" } ?? "")
    case .skipped(let reason): return "skip  \(name) \(reason)"
    case .failed(let problem):
      return "FAIL  \(name) \(rule.statement)\n      \(problem)\n      see \(rule.reference)"
    }
  }

  var json: JSONOutput {
    let (word, detail): (String, String?) =
      switch outcome {
      case .passed(let note): ("passed", note)
      case .failed(let problem): ("failed", problem)
      case .skipped(let reason): ("skipped", reason)
      }
    return JSONOutput(fields: [
      ("rule", rule.name), ("statement", rule.statement), ("outcome", word),
      ("detail", detail.orNull), ("see", rule.reference),
    ])
  }
}

/// One rule for stages or programs.
public struct ConformanceRule: Sendable, Equatable {
  /// A short name that never changes: lower case and hyphens.
  public let name: String
  /// The rule in words.
  public let statement: String
  /// Where it is written.
  public let reference: String
}
