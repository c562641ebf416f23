import IntakeCore
import IntakeImaging
import Testing

struct ImageShrinkerTests {
  private static func prepare(_ bitmap: Bitmap, edit: (inout ImageShrinker) -> Void) throws
    -> PreparedImage
  {
    var shrinker = ImageShrinker()
    edit(&shrinker)
    return try shrinker.prepare(try scan(try fixture("cmyk")).replacing(pixels: bitmap))
  }

  @Test(.timeLimit(.minutes(20)), arguments: [40_000, 60_000, 90_000, 140_000])
  func `no budget is ever exceeded, and most of it is used`(_ budget: Int) throws {
    let prepared = try Self.prepare(document(1100, 800)) {
      $0.maximumBytes = budget
      $0.minimumQuality = 5
    }
    #expect(prepared.bytes.count <= budget)
    #expect(prepared.bytes.count == prepared.report.sent.bytes)
    if prepared.report.sent.quality != 85 { #expect(prepared.bytes.count > budget * 85 / 100) }
    #expect(prepared.report.attempts.filter { !$0.isSample }.count <= 3)
    let decoded = try ImageHeader(reading: prepared.bytes)
    #expect(try scan(prepared.bytes).pixels().size == decoded.size)
    #expect(decoded.size == prepared.report.sent.size)
    #expect(abs((decoded.quality ?? 0) - (prepared.report.sent.quality ?? 0)) <= 1)
  }

  private static func strip(_ width: Int, _ height: Int) throws -> DocumentImage {
    let size = PixelSize(width: width, height: height)
    return try scan(PNGWriter(size: size, colorType: 0, pixel: { x, _ in [x % 256] }).bytes)
  }

  @Test func `a strip of which only a line would be left is refused`() throws {
    let failure = #expect(throws: StageFailure.self) {
      try ImageShrinker().prepare(try Self.strip(3_000, 20))
    }
    #expect(failure?.code == .imageTooSmall)
    #expect(failure?.detail == "front: 3000 × 20 pixels would be sent as 2048 × 14")
  }

  @Test func `a strip that only its budget makes a line is refused`() throws {
    var shrinker = ImageShrinker()
    shrinker.minimumEdge = 64
    let strip = try scan(try fixture("cmyk")).replacing(pixels: noise(2_000, 24))
    #expect(try shrinker.prepare(strip).report.sent.size.width == 2_000)
    let failure = failure { _ = try shrinker.prepare(strip, budget: 3_000) }
    #expect(failure?.code == .imageTooSmall)
    #expect(failure?.hint.contains("shrink.max-bytes") == true)
  }

  @Test func `a strip that keeps some lines is sent with a warning`() throws {
    var shrinker = ImageShrinker()
    shrinker.edge = 1_000
    let prepared = try shrinker.prepare(try Self.strip(1_200, 50))
    #expect(prepared.report.warnings == ["the shorter side has only 42 pixels"])
  }

  @Test func `what fits at the cap is encoded once`() throws {
    let prepared = try Self.prepare(document(300, 200)) { $0.maximumBytes = 1_000_000 }
    #expect(prepared.report.attempts.count == 1)
    #expect(prepared.report.sent.quality == 85)
  }

  @Test(.timeLimit(.minutes(20)))
  func `at the quality floor pixels are given up, down to the pixel floor`() throws {
    let prepared = try Self.prepare(noise(1200, 900)) {
      $0.maximumBytes = 260_000
      $0.minimumEdge = 400
    }
    #expect(prepared.bytes.count <= 260_000)
    #expect(prepared.report.sent.size.longerSide < 1200)
    #expect(prepared.report.sent.size.longerSide >= 400)
    #expect(prepared.report.sent.quality ?? 0 >= 40)
    #expect(prepared.report.method == .shrunk || prepared.report.method == .reencoded)
  }

  @Test func `that pixels were given up is said even where few were`() throws {
    let picture = noise(1200, 900)
    let floor = try picture.jpeg(quality: 40).count
    let prepared = try Self.prepare(picture) {
      $0.edge = 1200
      $0.minimumEdge = 400
      $0.maximumBytes = floor * 90 / 100
    }
    #expect(prepared.report.sent.size.longerSide < 1200)
    #expect(prepared.report.sent.size.longerSide >= 1080)
    #expect(prepared.report.reason.contains("pixels were given up"))
    let whole = try Self.prepare(picture) { $0.edge = 800 }
    #expect(!whole.report.reason.contains("given up"))
  }

  @Test func `what cannot fit is said with the numbers`() throws {
    let found = failure {
      _ = try Self.prepare(noise(600, 400)) { $0.maximumBytes = 20_000 }
    }
    #expect(found?.code == .cannotFit)
    #expect(found?.detail.contains("20000") == true)
    #expect(found?.detail.contains("600") == true)
    #expect(found?.side == .front)
  }

  @Test(arguments: [400, 520, 1000])
  func `the bytes that a failure names are enough`(_ edge: Int) throws {
    let picture = noise(600, 400, contrast: 120)
    func prepare(_ bytes: Int) throws -> PreparedImage {
      try Self.prepare(picture) {
        $0.edge = edge
        $0.minimumEdge = 1000
        $0.maximumBytes = bytes
      }
    }
    let detail = try #require(failure { _ = try prepare(5_000) }?.detail)
    #expect(detail.contains(" \(min(edge, 600)) pixels it takes about "))
    let needed = try #require(detail.split(separator: " ").last.flatMap { Int($0) })
    #expect(try prepare(needed).bytes.count <= needed)
    #expect(failure { _ = try prepare(needed * 9 / 10) }?.code == .cannotFit)
  }

  @Test func `the room a request leaves binds as the option does`() throws {
    let image = try scan(try fixture("cmyk")).replacing(pixels: document(600, 400))
    #expect(try ImageShrinker().prepare(image, budget: 40_000).bytes.count <= 40_000)
    #expect(failure { _ = try ImageShrinker().prepare(image, budget: 0) }?.code == .cannotFit)
  }

  @Test func `nothing is encoded above its own quality unless it was shrunk`() throws {
    let source = try jpeg(of: document(400, 300), quality: 60)
      .inserting(segment: 0xE1, .exif(orientation: 3))
    #expect(try ImageShrinker().prepare(try scan(source)).report.sent.quality == 60)
    var smaller = ImageShrinker()
    smaller.edge = 320
    #expect(try smaller.prepare(try scan(source)).report.sent.quality == 85)
  }

  @Test func `a source below the quality floor is encoded at the floor`() throws {
    let source = try jpeg(of: document(400, 300), quality: 20)
      .inserting(segment: 0xE1, .exif(orientation: 3))
    #expect(try ImageShrinker().prepare(try scan(source)).report.sent.quality == 40)
  }

  @Test func `small results and contradicting names are worth a word`() throws {
    var shrinker = ImageShrinker()
    shrinker.edge = 320
    let big = try jpeg(of: noise(500, 400))
    #expect(big.count > 100_000)
    let warnings = try shrinker.prepare(try scan(big, file: "front.png")).report.warnings
    #expect(warnings.contains { $0.contains("bytes are sent") })
    #expect(warnings.contains { $0.contains("320 pixels") })
    #expect(warnings.contains { $0.contains("named .png") })
  }

  @Test func `the density of a scan follows its size`() throws {
    var writer = PNGWriter(size: PixelSize(width: 600, height: 400))
    writer.before = [PNGWriter.chunk("pHYs", PNGWriter.big(11811) + PNGWriter.big(11811) + [1])]
    writer.pixel = { x, y in [x & 255, y & 255, 9] }
    var shrinker = ImageShrinker()
    shrinker.edge = 300
    let sent = try shrinker.prepare(try scan(writer.bytes)).bytes
    #expect(try ImageHeader(reading: sent).density == 150)
  }

  @Test(arguments: [(17, 16), (31, 33), (100, 47), (640, 481)])
  func `odd sizes are encoded to the last row and column`(_ width: Int, _ height: Int) throws {
    let bitmap = document(width, height)
    let decoded = try scan(try jpeg(of: bitmap, quality: 100)).pixels()
    #expect(decoded.size == bitmap.size)
    for (x, y) in [(width - 1, height - 1), (0, height - 1), (width - 1, 0)] {
      #expect(abs(Int(decoded[x, y].luma) - Int(bitmap[x, y].luma)) <= 8)
    }
  }

  @Test func `a picture with full chroma from another stage is accepted`() throws {
    let plane = Plane(width: 64, height: 48, samples: [UInt8](repeating: 90, count: 64 * 48))
    let bitmap = Bitmap(luma: plane, chroma: Bitmap.Chroma(blue: plane, red: plane))
    let decoded = try scan(try jpeg(of: bitmap)).pixels()
    #expect(decoded[20, 20] == PixelColor(luma: 90, blue: 90, red: 90))
  }
}
