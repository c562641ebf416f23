import DecodeStage
import IntakeCore
import IntakeImaging
import ShrinkStage
import Testing

struct ImageStageTests {
  private static let context = StageContext(row: RowReference(line: 2))

  private static func file(_ bytes: [UInt8], side: Side = .back) -> ImageFile {
    ImageFile(side: side, path: "scans/a.jpg") { limit in
      guard bytes.count <= limit else { throw StageFailure(.fileTooLarge, "too large") }
      return bytes
    }
  }

  @Test func `a file becomes a prepared image`() async throws {
    let decode = try Decode()
    let shrink = try Shrink(given: ["edge": .integer(320)])
    let bytes = try jpeg(of: document(800, 600))
    let image = try decode.run(Self.file(bytes), in: Self.context)
    let prepared = try shrink.run(image, in: Self.context.forSide(.back, imageBudget: 15_000))
    #expect(prepared.side == .back)
    #expect(prepared.bytes.count <= 15_000)
    #expect(prepared.report.sent.size.longerSide == 320)
    #expect(prepared.report.source.bytes == bytes.count)
  }

  @Test func `a failure names side and file`() throws {
    let decode = try Decode()
    let found = failure { _ = try decode.run(Self.file([1, 2, 3]), in: Self.context) }
    #expect(found?.code == .notAnImage)
    #expect(found?.side == .back)
    #expect(found?.file == "scans/a.jpg")
  }

  @Test func `limits are options`() throws {
    let bytes = try jpeg(of: document(200, 200))
    for (name, value, code) in [
      ("max-bytes", 1024, FailureCode.fileTooLarge), ("max-pixels", 10_000, .imageTooLarge),
      ("min-side", 300, .imageTooSmall),
    ] {
      let decode = try Decode(given: [name: .integer(value)])
      let found = failure {
        _ = try decode.run(Self.file(bytes), in: Self.context)
      }
      #expect(found?.code == code)
    }
  }

  @Test func `the limits of decode hold for a file that is passed through`() throws {
    let shrink = try Shrink()
    let small = try jpeg(of: document(12, 12))
    let lenient = try Decode(given: ["min-side": .integer(1)])
    let image = try lenient.run(Self.file(small), in: Self.context)
    #expect(try shrink.run(image, in: Self.context).report.method == .passthrough)

    let bytes = try fixture("progressive")
    let header = try ImageHeader(reading: bytes)
    #expect(header.scanCount == 10)
    var limits = ImageLimits()
    limits.maximumScans = 3
    let strict = DocumentImage(
      side: .front, file: "", header: header, bytes: bytes, codec: ImageCodec(limits: limits))
    #expect(failure { _ = try shrink.run(strict, in: Self.context) }?.code == .imageTooLarge)
  }

  @Test func `each side has its own edge where one is given`() throws {
    let shrink = try Shrink(given: ["edge": .integer(1600), "back-edge": .integer(2400)])
    #expect(shrink.edge(for: .front) == 1600)
    #expect(shrink.edge(for: .back) == 2400)
  }

  @Test func `a quality floor above the cap is refused`() {
    #expect(throws: OptionError.self) {
      try Shrink(given: ["min-quality": .integer(90)])
    }
  }
}
