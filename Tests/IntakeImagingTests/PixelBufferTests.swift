import IntakeCore
import IntakeImaging
import Testing

struct PixelBufferTests {
  @Test func `a redaction is drawn, kept by the encoder, and leaves the rest alone`() throws {
    let source = try scan(try fixture("444"))
    var buffer = PixelBuffer(try source.pixels())
    buffer.fill(x: 32..<64, y: 16..<32, with: .black)
    let edited = source.replacing(pixels: buffer.frozen())
    var shrinker = ImageShrinker()
    shrinker.quality = 95
    let prepared = try shrinker.prepare(edited)
    #expect(prepared.report.method == .reencoded)
    let sent = try scan(prepared.bytes).pixels()
    #expect(sent[48, 24].luma <= 4)
    #expect(abs(Int(sent[8, 8].luma) - Int(Scene.color(8, 8).luma)) <= 4)
  }

  @Test func `drawing outside the picture does nothing`() {
    var buffer = PixelBuffer(size: PixelSize(width: 5, height: 3), filledWith: .white)
    buffer.fill(x: -10..<1, y: 2..<99, with: .black)
    buffer[7, 7] = .black
    #expect(buffer[9, 9] == .white)
    let bitmap = buffer.frozen()
    #expect(bitmap.luma.samples.filter { $0 == 0 }.count == 1)
    #expect(bitmap[0, 2].luma == 0)
  }

  @Test(arguments: [
    [0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [12, 200, 99],
  ])
  func `colours survive the way to planes and back`(_ rgb: [UInt8]) {
    let back = PixelColor(red: rgb[0], green: rgb[1], blue: rgb[2]).rgb
    for (found, wanted) in zip([back.red, back.green, back.blue], rgb) {
      #expect(abs(Int(found) - Int(wanted)) <= 2)
    }
  }

  @Test func `interleaved colour has three bytes a pixel`() throws {
    let bitmap = try scan(PNGWriter().bytes).pixels()
    #expect(bitmap.rgb.count == 3 * 96 * 64)
    for (found, wanted) in zip(bitmap.rgb[0..<3], Scene.rgb(0, 0)) {
      #expect(abs(Int(found) - Int(wanted)) <= 2)
    }
  }

  @Test func `edited pixels are resized exactly to the edge`() throws {
    let edited = try scan(try fixture("420")).replacing(pixels: document(500, 400))
    #expect(try edited.pixels(fitting: 250).size == PixelSize(width: 250, height: 200))
    #expect(try edited.pixels().size == PixelSize(width: 500, height: 400))
  }

  @Test(arguments: [(0, [0, 1]), (2, [0, 1, 0, 1, 0, 1])])
  func `an interlaced PNG asks for the alpha that its transparent colour becomes`(
    _ type: Int, _ color: [UInt8]
  ) throws {
    var writer = PNGWriter(colorType: type, interlaced: true)
    writer.pixel = { x, _ in [Int](repeating: x, count: color.count / 2) }
    let opaque = try scan(writer.bytes)
    writer.transparency = color
    let image = try scan(writer.bytes)
    let more = image.memoryNeeded(fitting: 48) - opaque.memoryNeeded(fitting: 48)
    #expect(more - (image.sourceBytes - opaque.sourceBytes) == 96 * 64)
  }

  @Test func `a progressive scan asks for more memory than a baseline one`() throws {
    let progressive = try scan(try fixture("progressive-tall"))
    #expect(progressive.header.isProgressive)
    let coefficients = Int(2 * 64 * 1024 * progressive.header.samplesPerPixel)
    var plain = progressive.header
    plain.isProgressive = false
    plain.scanCount = 1
    let baseline = DocumentImage(
      side: .front, file: "", header: plain, bytes: try fixture("progressive-tall"),
      codec: ImageCodec())
    #expect(
      progressive.memoryNeeded(fitting: 512) - baseline.memoryNeeded(fitting: 512) == coefficients)
  }
}
