import Dispatch
import IntakeCore
import IntakeSystem
import IntakeTesting
import Synchronization
import TestSupport
import Testing

@testable import ExternalStage

@Suite(.timeLimit(.minutes(20))) struct AnswerTests {
  private let jpeg: [UInt8]
  private let image: DocumentImage

  init() throws {
    jpeg = try SampleImage.jpeg()
    image = try SampleImage.document(jpeg)
  }

  @Test func passLeavesTheImageAsItWas() async throws {
    let bench = try Bench<ImageItem>(Script(python: #"answer("pass")"#))
    try await bench.stage.prepare()
    let result = try bench.run(image)
    guard case .encoded(let bytes) = result.content else { return #expect(Bool(false)) }
    #expect(bytes == jpeg)
    await bench.stage.finish()
  }

  @Test func aResultTakesThePlaceOfTheImage() async throws {
    let other = try SampleImage.jpeg(width: 100, height: 80)
    let list = other.map(String.init).joined(separator: ",")
    let bench = try Bench<ImageItem>(Script(python: "result(bytes([\(list)]))"))
    try await bench.stage.prepare()
    let result = try bench.run(image)
    #expect(result.uprightSize == PixelSize(width: 100, height: 80))
    #expect(result.sourceBytes == jpeg.count)
    await bench.stage.finish()
  }

  @Test func rejectRefusesTheRowWithTheProgramsWords() async throws {
    let bench = try Bench<ImageItem>(
      Script(python: #"answer("reject", code="too_dark", detail="mean 12\x1b[31m")"#))
    try await bench.stage.prepare()
    let failure = bench.failure(image)
    #expect(failure?.code == .refusedByStage)
    #expect(failure?.outcome == .rejected)
    #expect(failure?.detail == "\(bench.script.name): too_dark: mean 12\\u{1b}[31m")
    await bench.stage.finish()
  }

  /// The hint of a scan that is no JPEG would send the operator to the wrong place.
  @Test func aWrongAnswerIsTheProgramsFault() async throws {
    let bench = try Bench<ImageItem>(Script(python: #"result(b"GIF89a" + bytes(40))"#))
    try await bench.stage.prepare()
    let failure = bench.failure(image)
    #expect(failure?.code == .unsupportedFormat)
    #expect(
      failure?.detail
        == "the answer of \(bench.script.name): the file is GIF, not JPEG or PNG")
    #expect(failure?.hint.hasSuffix(": docintake stages check \(bench.script.path)") == true)
    await bench.stage.finish()
  }

  @Test func theProgramSeesHeadAndBytesOfTheImage() async throws {
    let bench = try Bench<ImageItem>(
      Script(
        python: """
          image = item["image"]
          answer("reject", code=item["side"], detail=json.dumps([image["format"], image["width"],
            image["height"], image["orientation"], len(data), data[:3].hex(), sorted(item)]))
          """))
    try await bench.stage.prepare()
    let detail = bench.failure(image)?.detail ?? ""
    #expect(
      detail.hasSuffix(
        #"front: ["jpeg", 320, 200, 1, \#(jpeg.count), "ffd8ff", ["id", "image", "kind", "side"]]"#),
      "\(detail)")
    await bench.stage.finish()
  }

  @Test func changedPixelsTravelAsJPEG() async throws {
    let bench = try Bench<ImageItem>(Script(python: "result(data)"))
    try await bench.stage.prepare()
    let result = try bench.run(image.replacing(pixels: image.pixels(fitting: 100)))
    #expect(result.uprightSize.longerSide == 100)
    await bench.stage.finish()
  }

  @Test func unknownKindsAndKeysAreIgnoredWithTheirBytes() async throws {
    let bench = try Bench<ImageItem>(
      Script(
        python: """
          send('{"kind":"progress","chart":{"bytes":3}}', b"a\\nb")
          answer("result", b"zz" + data, extra={"bytes": 2}, image={"bytes": len(data), "dpi": 7})
          """))
    try await bench.stage.prepare()
    let result = try bench.run(image)
    #expect(result.header.size == image.header.size)
    await bench.stage.finish()
  }

  @Test func optionsTravelInTheGreeting() async throws {
    let script = try Script(
      python: #"answer("reject", code=hello["accepts"], detail=hello["options"]["radius"])"#)
    let bench = try Bench<ImageItem>(script, ["options": .table(["radius": "1/\"2"])])
    try await bench.stage.prepare()
    #expect(bench.failure(image)?.detail.hasSuffix("image: 1/\"2") == true)
    await bench.stage.finish()
  }

  @Test func standardErrorBecomesHarmlessLogLines() async throws {
    let script = try Script(
      python:
        #"sys.stderr.write("warm \x1b[2J up\n\nbye\n"); sys.stderr.flush(); time.sleep(0.1); answer("pass")"#
    )
    let bench = try Bench<ImageItem>(script)
    try await bench.stage.prepare()
    _ = try bench.run(image)
    #expect(bench.logged == ["\(script.name): warm \\u{1b}[2J up", "\(script.name): bye"])
    await bench.stage.finish()
  }

  /// A line comes in pieces, and tells of the item at work or of one before.
  @Test func whatTheRowsHoldIsHiddenInLogLines() async throws {
    let script = try Script(
      python: """
        sys.stderr.write(["for Zan", "zibar, Quet", "zal\\nZanzibar, Quetzal and Xylo\\n"][n - 1])
        sys.stderr.flush()
        answer("reject", code="Zanzibar", detail="x" * 195 + " Quetzal")
        """)
    let bench = try Bench<ImageItem>(script, ["processes": .integer(1)])
    try await bench.stage.prepare()
    for values in [["Zanzibar"], ["Quetzal"], ["Else"]] {
      bench.mask.withLock { $0 = TextMask(hiding: values) }
      let detail = bench.failure(image)?.detail ?? ""
      #expect(detail.contains("Zanzibar") == (values != ["Zanzibar"]))
      #expect(detail.contains("Quetz") == (values != ["Quetzal"]))
    }
    #expect(
      bench.logged == ["for [hidden]", "[hidden] and Xylo"].map { "\(script.name): \($0)" })
    await bench.stage.finish()
  }

  @Test func itemsRunSideBySideInProcessesOfTheirOwn() async throws {
    let script = try Script(python: #"time.sleep(0.3); answer("reject", code=str(os.getpid()))"#)
    let bench = try Bench<ImageItem>(script, ["processes": .integer(3)])
    try await bench.stage.prepare()
    let found = Mutex<Set<String>>([])
    let done = DispatchGroup()
    for _ in 1...9 {
      done.enter()
      _ = SystemThread.start {
        let detail = bench.failure(self.image)?.detail ?? ""
        found.withLock { _ = $0.insert(detail) }
        done.leave()
      }
    }
    await withCheckedContinuation { next in done.notify(queue: .global()) { next.resume() } }
    #expect(found.withLock { $0.count } == 3, "\(found.withLock { $0 })")
    #expect(script.processes.count == 3)
    await bench.stage.finish()
    #expect(script.left == [])
  }

  @Test func theEndOfItsInputEndsTheProgram() async throws {
    let folder = TemporaryFolder()
    let script = try Script(
      python: "answer('pass')",
      start: "import atexit; atexit.register(lambda: open('\(folder.path)/ended', 'w').close())")
    let bench = try Bench<ImageItem>(script)
    try await bench.stage.prepare()
    #expect(script.processes.count == 1)
    await bench.stage.finish()
    #expect(script.left == [])
    #expect(folder.files().count == 1, "it was killed, not asked to end")
  }

  @Test func cancellingTheTaskEndsTheWait() async throws {
    let script = try Script(python: "time.sleep(3600)")
    let bench = try Bench<ImageItem>(script, ["timeout": .number(600)])
    try await bench.stage.prepare()
    let task = Task.detached { [image] in try bench.run(image) }
    try await Task.sleep(for: .milliseconds(300))
    task.cancel()
    // The stage's own timeout would end in another error.
    await #expect(throws: CancellationError.self) { _ = try await task.value }
    #expect(script.left == [])
    await bench.stage.finish()
  }
}
