import IntakeCore
import IntakeSystem

extension ProgramCheck {
  /// What is tried with each kind of item that the program accepts.
  func checkKind(_ kind: ProgramItem.Kind, _ report: inout ConformanceReport) {
    checkOrdinary(kind, &report)
    if kind == .image { checkFormats(&report) }
    attempt(.identifier, kind, &report) { wire throws(WireProgram.Fault) in
      for id in ["é☃ \"quoted\" \\ /\u{2028}\t", String(repeating: "7", count: 1000)] {
        try exchange(ProgramItem(kind, id: id), &wire)
      }
      return nil
    }
    attempt(.unknown, kind, &report) { wire throws(WireProgram.Fault) in
      wire.send(.object([("kind", .string("x-later")), ("note", .string("nothing to do"))]))
      var item = try ProgramItem(kind, id: "2")
      item.more = [("x-later", .object([("deep", .array([.integer(1)]))]))]
      try exchange(item, &wire)
      return nil
    }
    checkHostile(kind, &report)
  }

  private func checkOrdinary(_ kind: ProgramItem.Kind, _ report: inout ConformanceReport) {
    attempt(.item, kind, &report) { wire throws(WireProgram.Fault) in
      let start = SystemTime.monotonic
      try exchange(ProgramItem(kind, id: "1"), &wire)
      return "\(kind.rawValue), \(Int((SystemTime.monotonic - start) * 1000)) ms"
    }
    attempt(.series, kind, &report) { wire throws(WireProgram.Fault) in
      for number in 1...5 { try exchange(ProgramItem(kind, id: "\(number)"), &wire) }
      return nil
    }
    attempt(.once, kind, &report) { wire throws(WireProgram.Fault) in
      try exchange(ProgramItem(kind, id: "1"), &wire)
      if let stray = wire.stray(within: 0.3) {
        throw WireProgram.Fault(
          description: "after its answer it wrote \(stray); standard output is for messages only")
      }
      return nil
    }
    attempt(.repeatable, kind, &report) { wire throws(WireProgram.Fault) in
      let item = try ProgramItem(kind, id: "1")
      let (first, second) = (try exchange(item, &wire), try exchange(item, &wire))
      guard first.kind == second.kind, first.bytes == second.bytes else {
        throw WireProgram.Fault(
          description: "two answers to the same item differ: rows would seem changed at every run")
      }
      return nil
    }
  }

  private func checkFormats(_ report: inout ConformanceReport) {
    attempt(.secondFormat, .image, &report) { wire throws(WireProgram.Fault) in
      var item = try ProgramItem(.image, id: "1")
      item.bytes = SampleImage.png(width: 64, height: 48)
      item.format = "png"
      item.size = PixelSize(width: 64, height: 48)
      try exchange(item, &wire)
      return nil
    }
    attempt(.orientation, .image, &report) { wire throws(WireProgram.Fault) in
      try exchange(ProgramItem(.image, id: "1").lyingOnItsSide(), &wire)
      return nil
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
      attempt(rule, kind, &report) { wire throws(WireProgram.Fault) in
        var item = try ProgramItem(kind, id: "1")
        item.bytes = change(item.bytes)
        try exchange(item, &wire, mayFail: true)
        try exchange(ProgramItem(kind, id: "2"), &wire)
        return nil
      }
    }
  }

  @discardableResult
  private func exchange(_ item: ProgramItem, _ wire: inout WireProgram, mayFail: Bool = false)
    throws(WireProgram.Fault) -> WireProgram.Reply
  {
    wire.send(item.message, item.bytes)
    var reply = try wire.reply()
    // Kinds that nobody knows are ignored on this side as well.
    while !["result", "pass", "reject", "ready", ""].contains(reply.kind) {
      reply = try wire.reply()
    }
    if let problem = item.problem(with: reply, mayFail: mayFail) {
      throw WireProgram.Fault(description: problem + wire.lastWords())
    }
    try wire.flush()
    return reply
  }

  /// The end of the input is the only way in which a program is told to end.
  func checkEnd(_ kind: ProgramItem.Kind, _ report: inout ConformanceReport) {
    for rule in [ConformanceRule.end, .cut] {
      do throws(WireProgram.Fault) {
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
    throws(WireProgram.Fault)
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
