import IntakeCore
import IntakeSystem

/// The conformance kit for programs: plays the host and tries everything a host may do, unpleasant things included.
///
/// It speaks the protocol itself instead of through the stage, so as not to inherit the stage's mistakes.
public struct ProgramCheck: Sendable {
  /// The program's path and its arguments.
  public let program: [String]
  /// What the greeting passes on, like a plan's `options`.
  public var options: [String: String] = [:]
  /// Seconds that an answer may take.
  public var patience = 10.0
  /// Seconds from the start of the program to its "ready".
  public var startPatience = 10.0
  private var report: ConformanceReport

  /// Names the program to check; the path has to contain a "/".
  public init(_ program: [String]) {
    self.program = program
    report = ConformanceReport(subject: Sanitizer.clean(program.first ?? "", limit: 120))
  }

  /// Tries every rule, and tells `listener` of each as it ends; blocks its thread for some seconds.
  public func run(_ listener: (@Sendable (ConformanceVerdict) -> Void)? = nil) -> ConformanceReport
  {
    var check = self
    check.report.listener = listener
    check.tryEveryRule()
    check.report.listener = nil
    return check.report
  }

  private mutating func tryEveryRule() {
    report.check(.file) {
      guard let path = program.first, path.contains("/") else {
        throw BrokenRule("give its path with a \"/\", such as ./program; PATH is not searched")
      }
      // Programs that many machines share may belong to others.
      try ProgramTrust.check(path)
    }
    guard report.isConforming, let kinds = checkGreeting() else { return }
    for kind in kinds {
      // A program that keeps silent would do so at each rule, until its time is over.
      guard attempt(.item, kind, { try $0.exchange(ProgramItem(kind, id: "1")) }) else { return }
      checkItems(kind)
      if kind == .image { checkPictures() }
      checkHostile(kind)
    }
    checkEnd(kinds[0])
  }

  /// What it accepts, nil when it does not answer.
  private mutating func checkGreeting() -> [ProgramItem.Kind]? {
    var first: (any Error)?
    // A program may refuse a host that will send it what it does not accept.
    for kind in ProgramItem.Kind.allCases {
      do {
        let kinds = try kindsAccepted(byGreetingAs: kind)
        report.add(.greeting, .passed("accepts " + kinds.map(\.rawValue).joined(separator: ", ")))
        return kinds
      } catch {
        first = first ?? error
        if (error as? BrokenRule)?.isStall == true { break }
      }
    }
    report.add(.greeting, .failed(first.map(ConformanceReport.problem) ?? "it did not answer"))
    return nil
  }

  private func kindsAccepted(byGreetingAs kind: ProgramItem.Kind) throws -> [ProgramItem.Kind] {
    try session(kind) { _, reply in
      try require(
        reply.kind == "ready" && reply.message["intake"]?.integer == 1,
        "its first message is not {\"intake\":1,\"kind\":\"ready\",…}")
      let words = reply.message["accepts"]?.elements?.compactMap(\.string) ?? []
      let kinds = words.compactMap(ProgramItem.Kind.init(rawValue:))
      let known = ProgramItem.Kind.allCases.map(\.rawValue).joined(separator: ", ")
      try require(!kinds.isEmpty, "\"accepts\" names none of \(known)")
      return kinds
    }
  }

  /// Starts a new process and passes it on with its answer to the greeting.
  private func session<Result>(
    _ kind: ProgramItem.Kind, _ body: (inout WireProgram, WireProgram.Reply) throws -> Result
  ) throws -> Result {
    var wire = try WireProgram(program, patience: patience)
    defer { wire.finish(within: 0.3) }
    wire.send(
      JSONOutput(fields: [
        ("intake", 1), ("kind", "hello"), ("accepts", kind.rawValue), ("options", options),
        ("x-later", [JSONOutput.null, .bool(true)]),
      ]))
    let reply = try wire.answer(within: startPatience)
    return try body(&wire, reply)
  }

  /// Tries a rule in a new process, after the greeting; false if the program kept silent.
  @discardableResult
  private mutating func attempt(
    _ rule: ConformanceRule, _ kind: ProgramItem.Kind, _ body: (inout WireProgram) throws -> Void
  ) -> Bool {
    do {
      let milliseconds = try session(kind) { wire, _ in
        let start = SystemTime.monotonic
        try body(&wire)
        return Int((SystemTime.monotonic - start) * 1000)
      }
      report.add(rule, .passed(rule == .item ? "\(kind.rawValue), \(milliseconds) ms" : nil))
      return true
    } catch {
      report.add(rule, .failed("\(kind.rawValue): \(ConformanceReport.problem(error))"))
      return (error as? BrokenRule)?.isStall != true
    }
  }

  private mutating func checkItems(_ kind: ProgramItem.Kind) {
    attempt(.series, kind) { wire in
      for number in 1...5 { try wire.exchange(ProgramItem(kind, id: "\(number)")) }
    }
    attempt(.once, kind) { wire in
      try wire.exchange(ProgramItem(kind, id: "1"))
      if let stray = wire.stray(within: 0.3) {
        throw BrokenRule("after its answer it wrote \(stray); standard output is for messages only")
      }
    }
    attempt(.repeatable, kind) { wire in
      let item = try ProgramItem(kind, id: "1")
      let (first, second) = (try wire.exchange(item), try wire.exchange(item))
      try require(
        first.kind == second.kind && first.bytes == second.bytes,
        "two answers to the same item differ: rows would seem changed at every run")
    }
    attempt(.identifier, kind) { wire in
      for id in ["é☃ \"quoted\" \\ /\u{2028}\t", String(repeating: "7", count: 1000)] {
        try wire.exchange(ProgramItem(kind, id: id))
      }
    }
    attempt(.unknown, kind) { wire in
      wire.send(JSONOutput(fields: [("kind", "x-later"), ("note", "nothing to do")]))
      var item = try ProgramItem(kind, id: "2")
      item.more = [("x-later", ["deep": [1]])]
      try wire.exchange(item)
    }
  }

  private mutating func checkPictures() {
    attempt(.secondFormat, .image) { wire in
      var item = try ProgramItem(.image, id: "1")
      item.bytes = SampleImage.png(width: 64, height: 48)
      item.format = "png"
      item.size = PixelSize(width: 64, height: 48)
      try wire.exchange(item)
    }
    attempt(.orientation, .image) { try $0.exchange(ProgramItem(.image, id: "1").lyingOnItsSide()) }
  }

  /// Any answer is right here, as long as there is one and the next item goes well.
  private mutating func checkHostile(_ kind: ProgramItem.Kind) {
    let huge = [UInt8](repeating: 0xA5, count: 16 << 20)
    let cases: [(ConformanceRule, ([UInt8]) -> [UInt8])] = [
      (.empty, { _ in [] }), (.truncated, { Array($0.prefix($0.count / 2)) }),
      (.rubbish, { Array(repeating: 0x0A, count: $0.count) }), (.huge, { _ in huge }),
    ]
    for (rule, change) in cases {
      attempt(rule, kind) { wire in
        var item = try ProgramItem(kind, id: "1")
        item.bytes = change(item.bytes)
        try wire.exchange(item, mayFail: true)
        try wire.exchange(ProgramItem(kind, id: "2"))
      }
    }
  }

  /// The end of its input is a program's only signal to end.
  private mutating func checkEnd(_ kind: ProgramItem.Kind) {
    let late = "it was still running 2 s later and had to be killed"
    var leavesProcess: Bool?
    attempt(.end, kind) { wire in
      let (end, seconds) = wire.finish(within: 2)
      leavesProcess = end.leftProcessBehind
      try require(seconds < 2, late)
      try require(end.status == .exited(0), "it \(end)")
    }
    if let leavesProcess {
      report.check(.remains, !leavesProcess, "a process that it started still holds its output")
    }
    attempt(.cut, kind) { wire in
      let item = try ProgramItem(kind, id: "1")
      wire.send(item.message, Array(item.bytes.prefix(item.bytes.count / 2)))
      try wire.flush()
      try require(wire.finish(within: 2).seconds < 2, late)
    }
  }
}

extension WireProgram {
  @discardableResult
  fileprivate mutating func exchange(_ item: ProgramItem, mayFail: Bool = false) throws -> Reply {
    send(item.message, item.bytes)
    let reply = try answer()
    if let problem = item.problem(with: reply, mayFail: mayFail) {
      throw BrokenRule(problem + lastWords())
    }
    try flush()
    return reply
  }
}

/// The rules of protocol 1, each with the section of `samples/stages/README.md` that states it.
extension ConformanceRule {
  private static func program(_ name: String, _ statement: String, _ section: String) -> Self {
    Self(name: name, statement: statement, reference: "samples/stages/README.md, \"\(section)\"")
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
  static let repeatable = program("repeatable", "gives the same answer to the same item", "Items")
  static let identifier = program("identifier", "gives back the id as it came", "Items")
  static let unknown = program(
    "unknown", "ignores kinds and keys that it does not know", "What may come")
  static let empty = program("empty", "answers an item without bytes", "What may come")
  static let truncated = program("truncated", "answers an image that ends early", "What may come")
  static let rubbish = program("rubbish", "answers bytes that are not an image", "What may come")
  static let huge = program("huge", "answers an item of 16 MiB", "What may come")
  static let end = program("end", "ends by itself, with code 0, when its input ends", "The end")
  static let cut = program("cut", "ends when its input ends inside an item", "The end")
  static let remains = program(
    "remains", "leaves no process behind in a session of its own", "The end")
}
