import IntakeCore
import IntakeImaging
import TestSupport
import Testing

struct HostileImageTests {
  private static func outcome(_ bytes: [UInt8], limits: ImageLimits = ImageLimits()) -> FailureCode?
  {
    failure { _ = try scan(bytes, limits: limits).pixels(fitting: 64) }?.code
  }

  @Test(.timeLimit(.minutes(20)), arguments: [false, true])
  func `a file cut anywhere is damaged, never half a picture`(_ isPNG: Bool) throws {
    let bytes = isPNG ? PNGWriter().bytes : try jpeg(of: document(160, 120))
    for percent in 1..<100 {
      let cut = Array(bytes.prefix(bytes.count * percent / 100))
      let code = Self.outcome(cut)
      #expect(code == .damagedImage || (cut.count < 16 && code == .notAnImage), "at \(percent) %")
    }
  }

  @Test func `a picture that ends early but says it is complete is damaged`() throws {
    let bytes = try jpeg(of: noise(160, 120))
    for percent in [60, 90, 99] {
      let cut = Array(bytes.prefix(bytes.count * percent / 100)) + [0xFF, 0xD9]
      #expect(Self.outcome(cut) == .damagedImage, "at \(percent) %")
    }
  }

  @Test func `a byte or two of padding before the end is harmless, more is damage`() throws {
    let bytes = try jpeg(of: noise(64, 64))
    #expect(Self.outcome(bytes.dropLast(2) + [0, 0xFF, 0xD9]) == nil)
    #expect(
      Self.outcome(bytes.dropLast(2) + (0..<40).map { UInt8($0 * 5) } + [0xFF, 0xD9])
        == .damagedImage)
  }

  @Test func `hundreds of scans are refused by the walk and by the decoder's own fence`() throws {
    let bytes = try fixture("progressive")
    var offset = 2
    var scan: Range<Int>?
    while scan == nil, offset + 4 < bytes.count {
      let next = offset + 2 + Int(bytes[offset + 2]) << 8 + Int(bytes[offset + 3])
      if bytes[offset + 1] == 0xDA {
        let end = (next..<bytes.count - 1).first { bytes[$0] == 0xFF && bytes[$0 + 1] != 0 }
        scan = offset..<(end ?? next)
      }
      offset = next
    }
    let repeated = try #require(scan)
    let many = (0..<200).flatMap { _ in bytes[repeated] }
    let bomb = bytes[..<repeated.upperBound] + many + bytes[repeated.upperBound...]
    #expect(Self.outcome(Array(bomb)) == .imageTooLarge)
    var lenient = ImageLimits()
    lenient.maximumScans = 1000
    let header = try ImageHeader(reading: Array(bomb), limits: lenient)
    let unwalked = DocumentImage(
      side: .front, file: "", header: header, bytes: Array(bomb), codec: ImageCodec())
    let code = failure { _ = try unwalked.pixels() }?.code
    #expect(code == .imageTooLarge || code == .damagedImage)
  }

  @Test(arguments: ["progressive-tall", "multiscan"])
  func `the memory of a picture of several scans is bounded`(_ name: String) throws {
    var limits = ImageLimits()
    limits.maximumDecoderMemory = 10_000
    let bytes = try fixture(name)
    #expect(failure { _ = try ImageHeader(reading: bytes, limits: limits) }?.code == .imageTooLarge)
    #expect(Self.outcome(bytes, limits: limits) == .imageTooLarge)
    #expect(Self.outcome(bytes) == nil)
    let unwalked = DocumentImage(
      side: .front, file: "", header: try ImageHeader(reading: bytes), bytes: bytes,
      codec: ImageCodec(limits: limits))
    #expect(failure { _ = try unwalked.pixels() }?.code == .imageTooLarge)
  }

  @Test(arguments: ["progressive-tall", "multiscan"])
  func `a picture of several scans that would take 300 MB is refused`(_ name: String) throws {
    var bytes = try fixture(name)
    let marker: UInt8 = name == "multiscan" ? 0xC0 : 0xC2
    let frame = try #require(bytes.offset(ofMarker: marker))
    // 6,480 × 6,450 samples of each of at least 3 components, 2 bytes each.
    bytes.replaceSubrange((frame + 5)..<(frame + 9), with: [0x19, 0x32, 0x19, 0x50])
    for component in 0..<3 { bytes[frame + 11 + 3 * component] = 0x11 }
    #expect(failure { _ = try ImageHeader(reading: bytes) }?.code == .imageTooLarge)
    #expect(ImageLimits().maximumDecoderMemory <= 224 << 20)
  }

  @Test(.timeLimit(.minutes(20)))
  func `tens of thousands of tiny chunks and packed texts cost nothing`() throws {
    var writer = PNGWriter()
    let tiny = PNGWriter.chunk("tEXt", [65, 0, 66])
    writer.before = [(0..<99_000).flatMap { _ in tiny }]
    writer.after = [PNGWriter.chunk("zTXt", [UInt8](repeating: 0x78, count: 60_000))]
    #expect(Scene.difference(try scan(writer.bytes).pixels()) <= 1)
  }

  @Test func `a chunk that comes again and again is noted once, too many are refused`() throws {
    var writer = PNGWriter()
    writer.before = [
      (0..<900).flatMap { _ in
        PNGWriter.chunk("pHYs", [0, 0, 0, 9, 0, 0, 0, 3, 1]) + PNGWriter.chunk("acTL", [])
      }
    ]
    #expect(try ImageHeader(reading: writer.bytes).notices.count == 2)
    var limits = ImageLimits()
    limits.maximumChunks = 1_000
    let failure = failure { _ = try ImageHeader(reading: writer.bytes, limits: limits) }
    #expect(failure?.code == .imageTooLarge)
    #expect(failure?.detail == "the PNG has more than 1000 chunks")
  }

  @Test func `a PNG with a wrong checksum, no data or a lost end is damaged`() {
    let bytes = PNGWriter().bytes
    var flipped = bytes
    flipped[bytes.count / 2] ^= 1
    #expect(Self.outcome(flipped) == .damagedImage)
    #expect(Self.outcome(Array(bytes.dropLast(12))) == .damagedImage)
    var short = PNGWriter()
    short.size = PixelSize(width: 96, height: 40)
    var stretched = short.bytes
    stretched.replaceSubrange(20..<24, with: PNGWriter.big(64))
    #expect(Self.outcome(stretched) == .damagedImage)
  }

  @Test func `a palette picture without palette is damaged, an index beyond it is black`() throws {
    var writer = PNGWriter(colorType: 3)
    writer.pixel = { _, _ in [7] }
    #expect(Self.outcome(writer.bytes) == .damagedImage)
    writer.palette = [255, 255, 255]
    #expect(try scan(writer.bytes).pixels()[5, 5].luma == 0)
  }

  @Test(.timeLimit(.minutes(20)))
  func `failures leave no memory behind`() async {
    // In a process of its own, because other tests take memory meanwhile.
    await #expect(processExitsWith: .success) {
      let bytes = try jpeg(of: noise(160, 120))
      let cut = Array(bytes.prefix(bytes.count / 2)) + [0xFF, 0xD9]
      var png = PNGWriter().bytes
      png[png.count / 2] ^= 1
      func fail(_ rounds: Int) {
        for _ in 0..<rounds {
          #expect(Self.outcome(cut) == .damagedImage)
          #expect(Self.outcome(png) == .damagedImage)
        }
      }
      fail(50)
      let before = residentPages()
      fail(500)
      // Each lost reader would leave 40 KB behind: 10,000 pages in all.
      #expect(residentPages() - before < 2_500)
    }
  }

  @Test(
    .timeLimit(.minutes(20)),
    arguments: [
      "420", "444", "progressive", "restart", "cmyk-adobe", "uneven", "png", "interlaced",
    ])
  func `thousands of mutations end in a picture or a named failure`(_ seed: String) throws {
    var bytes = PNGWriter(interlaced: seed == "interlaced").bytes
    if !["png", "interlaced"].contains(seed) { bytes = try fixture(seed) }
    var random = SeededRandom(seed: UInt64(seed.count) &* 977)
    for round in 0..<1500 {
      var broken = bytes
      for _ in 0...Int.random(in: 0...4, using: &random) {
        let place = Int.random(in: 2..<broken.count, using: &random)
        switch round % 3 {
        case 0: broken[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 1: broken[place] = UInt8.random(in: 0...255, using: &random)
        default: broken.remove(at: place)
        }
      }
      var limits = ImageLimits()
      limits.maximumPixels = 400_000
      do {
        let bitmap = try scan(broken, limits: limits).pixels(fitting: 80)
        #expect(bitmap.size.longerSide <= 80)
      } catch {
        #expect(error is StageFailure)
      }
    }
  }
}
