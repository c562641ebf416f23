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

  /// What it accepts, nil when it does not answer.
  private func checkGreeting(_ report: inout ConformanceReport) -> [ProgramItem.Kind]? {
    var first: WireFault?
    // A program may refuse a host that will send it what it does not accept.
    for kind in ProgramItem.Kind.allCases {
      do throws(WireFault) {
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

  private func greeted(as kind: ProgramItem.Kind) throws(WireFault) -> [ProgramItem.Kind] {
    var wire = try WireProgram(program, patience: patience)
    defer { _ = wire.finish(within: 0.3) }
    let reply = try greet(&wire, accepts: kind)
    guard reply.kind == "ready", reply.message["intake"]?.integer == 1 else {
      throw WireFault("its first message is not {\"intake\":1,\"kind\":\"ready\",…}")
    }
    let words = reply.message["accepts"]?.elements?.compactMap(\.string) ?? []
    let kinds = words.compactMap(ProgramItem.Kind.init(rawValue:))
    guard !kinds.isEmpty else {
      throw WireFault(
        "\"accepts\" names none of "
          + ProgramItem.Kind.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return kinds
  }

  func greet(_ wire: inout WireProgram, accepts: ProgramItem.Kind) throws(WireFault)
    -> WireProgram.Reply
  {
    let table = options.sorted { $0.key < $1.key }.map { ($0.key, JSONOutput.string($0.value)) }
    wire.send(
      .object([
        ("intake", .integer(1)), ("kind", .string("hello")), ("accepts", .string(accepts.rawValue)),
        ("options", .object(table)), ("x-later", .array([.null, .bool(true)])),
      ]))
    return try wire.answer(within: startPatience)
  }

  /// Runs a rule with a process of its own, past its greeting.
  func attempt(
    _ rule: ConformanceRule, _ kind: ProgramItem.Kind, _ report: inout ConformanceReport,
    _ body: (inout WireProgram) throws(WireFault) -> Void
  ) {
    do throws(WireFault) {
      var wire = try WireProgram(program, patience: patience)
      defer { _ = wire.finish(within: 0.3) }
      _ = try greet(&wire, accepts: kind)
      let start = SystemTime.monotonic
      try body(&wire)
      let milliseconds = Int((SystemTime.monotonic - start) * 1000)
      report.add(rule, .passed(rule == .item ? "\(kind.rawValue), \(milliseconds) ms" : nil))
    } catch {
      report.add(rule, .failed("\(kind.rawValue): \(error.description)"))
    }
  }
}

extension ProgramCheck {
  /// What is tried with each kind of item that the program accepts.
  func checkKind(_ kind: ProgramItem.Kind, _ report: inout ConformanceReport) {
    checkOrdinary(kind, &report)
    if kind == .image { checkFormats(&report) }
    attempt(.identifier, kind, &report) { wire throws(WireFault) in
      for id in ["é☃ \"quoted\" \\ /\u{2028}\t", String(repeating: "7", count: 1000)] {
        try exchange(ProgramItem(kind, id: id), &wire)
      }
    }
    attempt(.unknown, kind, &report) { wire throws(WireFault) in
      wire.send(.object([("kind", .string("x-later")), ("note", .string("nothing to do"))]))
      var item = try ProgramItem(kind, id: "2")
      item.more = [("x-later", .object([("deep", .array([.integer(1)]))]))]
      try exchange(item, &wire)
    }
    checkHostile(kind, &report)
  }

  private func checkOrdinary(_ kind: ProgramItem.Kind, _ report: inout ConformanceReport) {
    attempt(.item, kind, &report) { wire throws(WireFault) in
      try exchange(ProgramItem(kind, id: "1"), &wire)
    }
    attempt(.series, kind, &report) { wire throws(WireFault) in
      for number in 1...5 { try exchange(ProgramItem(kind, id: "\(number)"), &wire) }
    }
    attempt(.once, kind, &report) { wire throws(WireFault) in
      try exchange(ProgramItem(kind, id: "1"), &wire)
      if let stray = wire.stray(within: 0.3) {
        throw WireFault("after its answer it wrote \(stray); standard output is for messages only")
      }
    }
    attempt(.repeatable, kind, &report) { wire throws(WireFault) in
      let item = try ProgramItem(kind, id: "1")
      let (first, second) = (try exchange(item, &wire), try exchange(item, &wire))
      guard first.kind == second.kind, first.bytes == second.bytes else {
        throw WireFault("two answers to the same item differ: rows would seem changed at every run")
      }
    }
  }

  private func checkFormats(_ report: inout ConformanceReport) {
    attempt(.secondFormat, .image, &report) { wire throws(WireFault) in
      var item = try ProgramItem(.image, id: "1")
      item.bytes = SampleImage.png(width: 64, height: 48)
      item.format = "png"
      item.size = PixelSize(width: 64, height: 48)
      try exchange(item, &wire)
    }
    attempt(.orientation, .image, &report) { wire throws(WireFault) in
      try exchange(ProgramItem(.image, id: "1").lyingOnItsSide(), &wire)
    }
  }

  /// An answer of any kind is right here; what counts is that there is one, and that the next item goes well.
  private func checkHostile(_ kind: ProgramItem.Kind, _ report: inout ConformanceReport) {
    let huge = [UInt8](repeating: 0xA5, count: 16 << 20)
    let cases: [(ConformanceRule, ([UInt8]) -> [UInt8])] = [
      (.empty, { _ in [] }), (.truncated, { Array($0.prefix($0.count / 2)) }),
      (.rubbish, { Array(repeating: 0x0A, count: $0.count) }), (.huge, { _ in huge }),
    ]
    for (rule, change) in cases {
      attempt(rule, kind, &report) { wire throws(WireFault) in
        var item = try ProgramItem(kind, id: "1")
        item.bytes = change(item.bytes)
        try exchange(item, &wire, mayFail: true)
        try exchange(ProgramItem(kind, id: "2"), &wire)
      }
    }
  }

  @discardableResult
  private func exchange(_ item: ProgramItem, _ wire: inout WireProgram, mayFail: Bool = false)
    throws(WireFault) -> WireProgram.Reply
  {
    wire.send(item.message, item.bytes)
    let reply = try wire.answer()
    if let problem = item.problem(with: reply, mayFail: mayFail) {
      throw WireFault(problem + wire.lastWords())
    }
    try wire.flush()
    return reply
  }

  /// The end of its input is the only sign for a program to end.
  func checkEnd(_ kind: ProgramItem.Kind, _ report: inout ConformanceReport) {
    for rule in [ConformanceRule.end, .cut] {
      do throws(WireFault) {
        var wire = try WireProgram(program, patience: patience)
        _ = try greet(&wire, accepts: kind)
        if rule == .cut { try sendHalf(kind, &wire) }
        let (end, seconds) = wire.finish(within: 2)
        report.add(rule, verdict(end, after: seconds, needsZero: rule == .end))
        guard rule == .end else { continue }
        report.add(
          .remains,
          end.leftProcessBehind
            ? .failed("a process that it started still holds its output") : .passed(nil))
      } catch {
        report.add(rule, .failed(error.description))
      }
    }
  }

  private func sendHalf(_ kind: ProgramItem.Kind, _ wire: inout WireProgram)
    throws(WireFault)
  {
    let item = try ProgramItem(kind, id: "1")
    wire.send(item.message, Array(item.bytes.prefix(item.bytes.count / 2)))
    try wire.flush()
  }

  private func verdict(_ end: ProgramEnd, after seconds: Double, needsZero: Bool)
    -> ConformanceVerdict.Outcome
  {
    guard seconds < 2 else { return .failed("it was still running 2 s later and had to be killed") }
    guard needsZero, end.status != .exited(0) else { return .passed(nil) }
    return .failed("it \(end)")
  }
}

/// The rules of protocol 1, each with the section of `samples/stages/README.md` that holds it.
extension ConformanceRule {
  private static func program(_ name: String, _ statement: String, _ section: String)
    -> ConformanceRule
  {
    ConformanceRule(name, statement, see: "samples/stages/README.md, \"\(section)\"")
  }

  static let file = program("file", "is executable, and nobody else can change it", "The program")
  static let greeting = program(
    "greeting", "answers hello with ready for version 1 and what it accepts", "Greeting")
  static let item = program("item", "answers an item with result, pass or reject", "Items")
  static let secondFormat = program("formats", "answers PNG and gray images, too", "Items")
  static let orientation = program(
    "orientation", "keeps the EXIF orientation of a picture, or turns its pixels", "Items")
  static let series = program("series", "answers one item after the other in one process", "Items")
  static let once = program("once", "answers each item once and is silent in between", "Items")
  static let repeatable = program(
    "repeatable", "gives the same answer to the same item", "Items")
  static let identifier = program("identifier", "gives back the id as it came", "Items")
  static let unknown = program(
    "unknown", "ignores kinds and keys that it does not know", "What may come")
  static let empty = program("empty", "answers an item without bytes", "What may come")
  static let truncated = program("truncated", "answers an image that ends early", "What may come")
  static let rubbish = program("rubbish", "answers bytes that are no image", "What may come")
  static let huge = program("huge", "answers an item of 16 MiB", "What may come")
  static let end = program("end", "ends by itself, with code 0, when its input ends", "The end")
  static let cut = program("cut", "ends when its input ends inside an item", "The end")
  static let remains = program(
    "remains", "leaves no process behind in a session of its own", "The end")
}
