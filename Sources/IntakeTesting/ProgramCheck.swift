import IntakeCore
import IntakeSystem

/// The conformance kit for programs: plays the host and tries what a host does, the unpleasant included.
///
/// It speaks the wire by itself instead of through the stage, so that it does not inherit its mistakes.
public struct ProgramCheck: Sendable {
  /// The program's path and its arguments.
  public let program: [String]
  /// What the greeting hands over, as a plan's `options` would.
  public var options: [String: String] = [:]
  /// Seconds that an answer may take.
  public var patience = 10.0
  /// Seconds from the start of the program to its "ready".
  public var startPatience = 10.0

  /// Names the program to be checked; the path holds a "/".
  public init(_ program: [String]) { self.program = program }

  /// Tries every rule; blocks for some seconds, so call it from a thread that may.
  public func run() -> ConformanceReport {
    var report = ConformanceReport(subject: Sanitizer.clean(program.first ?? "", limit: 120))
    guard checkFile(&report) else { return report }
    guard let kinds = checkGreeting(&report) else { return report }
    for kind in kinds { checkKind(kind, &report) }
    checkEnd(kinds[0], &report)
    return report
  }

  /// Whether it may be started at all; programs that many machines share may belong to others.
  private func checkFile(_ report: inout ConformanceReport) -> Bool {
    guard let path = program.first, path.contains("/") else {
      report.add(
        .file, .failed("give its path with a \"/\", such as ./program; PATH is not searched"))
      return false
    }
    do throws(ProgramTrust.Problem) {
      try ProgramTrust.check(path)
      report.add(.file, .passed(nil))
      return true
    } catch {
      report.add(.file, .failed("\(error.description): \(error.hint)"))
      return false
    }
  }

  /// What it accepts, nil when there is no talking to it.
  private func checkGreeting(_ report: inout ConformanceReport) -> [ProgramItem.Kind]? {
    var first: WireProgram.Fault?
    // A program may refuse a host that will send it what it does not accept.
    for kind in ProgramItem.Kind.allCases {
      do throws(WireProgram.Fault) {
        let kinds = try greeted(as: kind)
        report.add(.greeting, .passed("accepts " + kinds.map(\.rawValue).joined(separator: ", ")))
        return kinds
      } catch {
        first = first ?? error
      }
    }
    report.add(.greeting, .failed(first?.description ?? "it did not answer"))
    return nil
  }

  private func greeted(as kind: ProgramItem.Kind) throws(WireProgram.Fault) -> [ProgramItem.Kind] {
    var wire = try WireProgram(program, patience: patience)
    defer { _ = wire.finish(within: 0.3) }
    let reply = try greet(&wire, accepts: kind)
    guard reply.kind == "ready", reply.message["intake"]?.integer == 1 else {
      throw WireProgram.Fault(
        description: "its first message is not {\"intake\":1,\"kind\":\"ready\",…}")
    }
    let words = reply.message["accepts"]?.elements?.compactMap(\.string) ?? []
    let kinds = words.compactMap(ProgramItem.Kind.init(rawValue:))
    guard !kinds.isEmpty else {
      throw WireProgram.Fault(
        description: "\"accepts\" names none of "
          + ProgramItem.Kind.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return kinds
  }

  func greet(_ wire: inout WireProgram, accepts: ProgramItem.Kind) throws(WireProgram.Fault)
    -> WireProgram.Reply
  {
    let table = options.sorted { $0.key < $1.key }.map { ($0.key, JSONOutput.string($0.value)) }
    wire.send(
      .object([
        ("intake", .integer(1)), ("kind", .string("hello")), ("accepts", .string(accepts.rawValue)),
        ("options", .object(table)), ("x-later", .array([.null, .bool(true)])),
      ]))
    return try wire.reply(within: startPatience)
  }

  /// Runs a rule with a process of its own, past its greeting.
  func attempt(
    _ rule: ConformanceRule, _ kind: ProgramItem.Kind, _ report: inout ConformanceReport,
    _ body: (inout WireProgram) throws(WireProgram.Fault) -> String?
  ) {
    do throws(WireProgram.Fault) {
      var wire = try WireProgram(program, patience: patience)
      defer { _ = wire.finish(within: 0.3) }
      _ = try greet(&wire, accepts: kind)
      report.add(rule, .passed(try body(&wire)))
    } catch {
      report.add(rule, .failed("\(kind.rawValue): \(error.description)"))
    }
  }
}
