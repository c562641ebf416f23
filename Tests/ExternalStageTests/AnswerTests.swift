import ExternalStage
import IntakeCore
import IntakeTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct AnswerTests {
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
    #expect(failure?.detail == "program: too_dark: mean 12\\u{1b}[31m")
    await bench.stage.finish()
  }
}
