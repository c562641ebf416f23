import IntakeCore
import IntakeImaging
import IntakeTesting
import Synchronization
import TestSupport
import Testing

@testable import ExternalStage

/// `"accepts":"file"`: what is handed over, what passes, and what may come back.
@Suite(.timeLimit(.minutes(20))) struct FileTests {
  private static let tiff = Array("II*\0".utf8) + [UInt8](repeating: 7, count: 60)

  private func file(_ bytes: [UInt8], page: Int = 1, reads: Reads = Reads()) -> ImageFile {
    ImageFile(side: .back, path: "a.tif", page: page) { limit in
      reads.count.withLock { $0 += 1 }
      guard bytes.count <= limit else { throw StageFailure(.fileTooLarge, "too large") }
      return bytes
    }
  }

  @Test func theProgramSeesFormatPageAndBytes() async throws {
    let script = try Script(
      python: """
        answer("reject", code=item["image"]["format"],
          detail=json.dumps([item["side"], item["page"], len(data), data[:2].hex(), sorted(item)]))
        """)
    let bench = try Bench<FileItem>(script)
    try await bench.stage.prepare()
    let failure = bench.failure(file(Self.tiff, page: 2))
    #expect(
      failure?.detail
        == #"\#(script.name): tiff: ["back", 2, 64, "4949", ["id", "image", "kind", "page", "side"]]"#
    )
    #expect(
      bench.failure(file(Array("no picture at all".utf8)))?.detail.contains(": unknown: ") == true)
    await bench.stage.finish()
  }

  @Test func whatItMakesIsReadInItsPlace() async throws {
    let jpeg = try SampleImage.jpeg(width: 100, height: 80)
    let list = jpeg.map(String.init).joined(separator: ",")
    let bench = try Bench<FileItem>(Script(python: "result(bytes([\(list)]))"))
    try await bench.stage.prepare()
    let made = try bench.run(file(Self.tiff))
    #expect(try made.read(atMost: 1 << 20) == jpeg)
    #expect(made.original?.format == "tiff" && made.original?.bytes == Self.tiff.count)
    #expect(throws: StageFailure.self) { try made.read(atMost: 100) }
    await bench.stage.finish()
  }

  @Test(arguments: ["", "not a picture", "GIF89a and more"])
  func whatIsNoJPEGOrPNGIsRefused(made: String) async throws {
    let bench = try Bench<FileItem>(Script(python: "result(b'\(made)')"))
    try await bench.stage.prepare()
    #expect(bench.failure(file(Self.tiff))?.code == .stageProtocol)
    await bench.stage.finish()
  }

  /// The program would refuse all that it sees; the decoder reads the file no second time.
  @Test(arguments: [true, false])
  func othersPassAndAreReadOnce(isPicture: Bool) async throws {
    let bytes = isPicture ? try SampleImage.jpeg() : Self.tiff
    let bench = try Bench<FileItem>(
      Script(python: #"answer("reject", code="seen", detail="seen")"#),
      isPicture ? [:] : ["formats": .list(["heic", "pdf"])])
    try await bench.stage.prepare()
    let reads = Reads()
    let passed = try bench.run(file(bytes, reads: reads))
    #expect(try passed.read(atMost: 1 << 20) == bytes)
    #expect(passed.original == nil && reads.count.withLock(\.self) == 1)
    await bench.stage.finish()
  }

  @Test func aProgramMayPass() async throws {
    let bench = try Bench<FileItem>(Script(python: #"answer("pass")"#))
    try await bench.stage.prepare()
    let passed = try bench.run(file(Self.tiff))
    #expect(try passed.read(atMost: 1 << 20) == Self.tiff && passed.original == nil)
    await bench.stage.finish()
  }

  @Test func everyFormatThatIsRecognisedCanBeNamed() throws {
    for bytes in [Self.tiff, Array("%PDF-1.7 and so on".utf8), Array("<svg></svg>".utf8)] {
      let format = try #require(FileFormat(recognizing: bytes))
      #expect(FileFormat.ids.contains(format.id))
    }
    #expect(FileFormat(recognizing: Array("plain text".utf8)) == nil)
    #expect(FileFormat.ids == FileFormat.ids.sorted() && FileFormat.ids.contains("jpeg"))
  }
}

/// Counts how often a file is read.
private final class Reads: Sendable {
  let count = Mutex(0)
}
