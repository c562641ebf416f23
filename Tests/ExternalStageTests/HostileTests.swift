import Glibc
import IntakeCore
import IntakeTesting
import Testing

@testable import ExternalStage

/// Programs that do everything wrong: only the item at hand fails, and nothing stays behind.
@Suite(.serialized, .timeLimit(.minutes(20))) struct HostileTests {
  private let image: DocumentImage

  init() throws { image = try SampleImage.document(SampleImage.jpeg()) }

  /// Every second item goes wrong, in another way each.
  @Test(arguments: [
    ("crash", "os.kill(os.getpid(), signal.SIGSEGV)", FailureCode.stageProtocol),
    ("quiet exit", "sys.exit(0)", .stageProtocol),
    ("hang", "time.sleep(60)", .stageTimeout),
    ("rubbish", #"send("no json at all")"#, .stageProtocol),
    ("binary rubbish", #"o.write(b"\xff\xfe\n"); o.flush()"#, .stageProtocol),
    ("wrong id", #"send('{"kind":"pass","id":"0"}')"#, .stageProtocol),
    ("no id", #"send('{"kind":"pass"}')"#, .stageProtocol),
    (
      "two answers at once",
      #"s = json.dumps({"kind":"pass","id":item["id"]}); send(s + "\n" + s)"#, .stageProtocol
    ),
    (
      "half a frame",
      #"o.write(json.dumps({"kind":"result","id":item["id"],"image":{"bytes":999}}).encode() + b"\nabc"); o.flush(); sys.exit(0)"#,
      .stageProtocol
    ),
    (
      "announces too much",
      #"send(json.dumps({"kind":"result","id":item["id"],"image":{"bytes":1 << 40}}))"#,
      .stageProtocol
    ),
    (
      "announces less than nothing",
      #"send(json.dumps({"kind":"result","id":item["id"],"image":{"bytes":-1}}))"#, .stageProtocol
    ),
    ("a line without end", #"o.write(b"x" * 200000); o.flush(); time.sleep(60)"#, .stageProtocol),
    ("floods its output", #"exec("while True: o.write(b'y\\n' * 32768)")"#, .stageProtocol),
    ("closes its output", "os.close(1); time.sleep(60)", .stageProtocol),
    (
      "no image at all", #"answer("result", b"GIF89a" + bytes(40), image={"bytes": 46})"#,
      .unsupportedFormat
    ),
    ("half an image", "result(data[:len(data) // 2])", .damagedImage),
    ("an empty image", #"result(b"")"#, .notAnImage),
    ("no image in the result", #"answer("result")"#, .stageProtocol),
    (
      "ends and leaves a child with the pipe",
      #"""
      if os.fork() == 0: time.sleep(60)
      os._exit(1)
      """#, .stageProtocol
    ),
  ])
  func onlyTheItemFails(name: String, act: String, code: FailureCode) async throws {
    let indented = act.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")
    let script = try Script(
      python: "if item['id'] in ('2', '4'):\n\(indented)\nelse:\n    answer('pass')")
    let bench = try Bench<ImageItem>(script, ["timeout": .number(0.7), "processes": .integer(1)])
    try await bench.stage.prepare()
    for round in 1...2 {
      #expect(bench.failure(image) == nil, "\(name): \(bench.logged)")
      let failure = bench.failure(image)
      #expect(failure?.code == code, "\(name), round \(round): \(String(describing: failure))")
      #expect(failure?.outcome == .rejected)
    }
    #expect(bench.failure(image) == nil, "\(name): \(bench.logged)")
    await bench.stage.finish()
    #expect(script.left == [], "\(name)")
  }

  /// A program that does not flush leaves the end of its answer behind.
  @Test func anAnswerThatStopsIsCounted() async throws {
    let script = try Script(
      python: """
        o.write(json.dumps({"kind": "result", "id": item["id"], "image": {"bytes": 9}}).encode())
        o.write(b"\\nabc"); o.flush(); time.sleep(60)
        """)
    let bench = try Bench<ImageItem>(script, ["timeout": .number(0.7)])
    try await bench.stage.prepare()
    let failure = bench.failure(image)
    #expect(failure?.code == .stageTimeout)
    #expect(
      failure?.detail
        == "\(script.name) did not answer whole within 0.7 s: 3 of 9 bytes came")
    #expect(failure?.hint.contains("flush") == true)
    await bench.stage.finish()
  }

  @Test func aFullStandardErrorBlocksNobody() async throws {
    let script = try Script(
      python:
        "sys.stderr.write('e' * 99 + '\\n'); sys.stderr.write('x\\n' * 500000); answer('pass')")
    let bench = try Bench<ImageItem>(script)
    try await bench.stage.prepare()
    #expect(bench.failure(image) == nil)
    #expect(bench.logged.count <= 203)
    #expect(bench.logged.last?.contains("more bytes") == true, "\(bench.logged.last ?? "")")
    await bench.stage.finish()
  }

  @Test func aChildThatKeepsThePipeDelaysNobody() async throws {
    let script = try Script(
      python: """
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)
        os._exit(1)
        """)
    let bench = try Bench<ImageItem>(script)
    try await bench.stage.prepare()
    // Waiting for the child would end at the stage's timeout, which has another code.
    #expect(bench.failure(image)?.code == .stageProtocol)
    await bench.stage.finish()
    #expect(bench.script.left == [])
  }

  @Test func aProgramThatLeftItsGroupIsTold() async throws {
    let script = try Script(
      python: """
        if os.fork() == 0:
            os.setsid(); time.sleep(3); os._exit(0)
        os._exit(1)
        """)
    let bench = try Bench<ImageItem>(script)
    try await bench.stage.prepare()
    #expect(bench.failure(image)?.code == .stageProtocol)
    #expect(bench.logged.contains { $0.contains("left a process behind") })
    await bench.stage.finish()
  }

  @Test func aProgramThatIgnoresSIGTERMIsKilled() async throws {
    let script = try Script(
      python: "time.sleep(60)", start: "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    let bench = try Bench<ImageItem>(script, ["timeout": .number(0.3)])
    try await bench.stage.prepare()
    #expect(bench.failure(image)?.code == .stageTimeout)
    #expect(bench.script.left == [])
    await bench.stage.finish()
  }

  @Test func aLateSecondAnswerIsNotHeldAgainstTheNextItem() async throws {
    let script = try Script(
      python: """
        answer('pass')
        if item['id'] == '1':
            time.sleep(0.2); answer('pass')
        """)
    let bench = try Bench<ImageItem>(script, ["processes": .integer(1)])
    try await bench.stage.prepare()
    #expect(bench.failure(image) == nil)
    #expect(bench.failure(image) == nil)
    usleep(400_000)
    #expect(bench.failure(image) == nil)
    await bench.stage.finish()
  }

  @Test func fourFaultsInARowGiveTheProgramUp() async throws {
    let bench = try Bench<ImageItem>(Script(python: "sys.exit(3)"), ["processes": .integer(1)])
    try await bench.stage.prepare()
    for _ in 1...4 { #expect(bench.failure(image)?.outcome == .rejected) }
    let failure = bench.failure(image)
    #expect(failure?.outcome == .fatal)
    #expect(failure?.detail.contains("4 times in a row") == true)
    await bench.stage.finish()
  }
}
