import IntakeCore
import IntakeImaging
import Testing

struct ImageHeaderTests {
  private static func code(_ bytes: [UInt8], limits: ImageLimits = ImageLimits()) -> FailureCode? {
    failure { _ = try ImageHeader(reading: bytes, limits: limits) }?.code
  }

  @Test func `a JPEG header tells size, components, density, scans and quality`() throws {
    let header = try ImageHeader(reading: try fixture("progressive"))
    #expect(header.size == Scene.size)
    #expect(header.components == 3)
    #expect(header.isProgressive)
    #expect(header.scanCount == 10)
    #expect(header.quality == 92)
    #expect(header.trailingBytes == 0)
  }

  @Test(arguments: [10, 25, 50, 75, 85, 92, 100])
  func `the quality is read from the tables`(_ quality: Int) throws {
    let header = try ImageHeader(reading: try jpeg(of: document(64, 64), quality: quality))
    #expect(abs((header.quality ?? 0) - quality) <= 1)
  }

  @Test func `the quality is that of the table which luma uses, as it stands before the scan`()
    throws
  {
    let coarse = [UInt8](repeating: 250, count: 64)
    let bytes = try jpeg(of: document(64, 64), quality: 80)
    let frame = try #require(bytes.offset(ofMarker: 0xC0))
    // Replaced before the scan, a table of another number, and one behind the scan.
    #expect(try ImageHeader(reading: bytes.inserting(segment: 0xDB, [0] + coarse)).quality == 80)
    let other = bytes.inserting(segment: 0xDB, [2] + coarse, at: frame)
    #expect(try ImageHeader(reading: other).quality == 80)
    let late = bytes.inserting(segment: 0xDB, [0] + coarse, at: bytes.count - 2)
    #expect(try ImageHeader(reading: late).quality == 80)
    let replaced = bytes.inserting(segment: 0xDB, [0] + coarse, at: frame)
    #expect(try #require(try ImageHeader(reading: replaced).quality) < 30)
    var swapped = bytes
    swapped[frame + 12] = 1
    #expect(try #require(try ImageHeader(reading: swapped).quality) < 78)
  }

  @Test(arguments: [0, 1, 2, 15])
  func `what is too short is no picture`(_ count: Int) throws {
    #expect(Self.code(Array(try fixture("420").prefix(count))) == .notAnImage)
    #expect(Self.code(Array(PNGWriter().bytes.prefix(count))) == .notAnImage)
  }

  @Test(arguments: [
    ("GIF89a", "GIF"), ("RIFF\u{10}\0\0\0WEBPVP8 ", "WebP"), ("\0\0\0\u{18}ftypheic", "HEIC"),
    ("\0\0\0\u{18}ftypavif", "AVIF"), ("II*\0", "TIFF"), ("MM\0*", "TIFF"), ("%PDF-1.7", "PDF"),
    ("BM", "BMP"), ("PK\u{3}\u{4}", "zip (or an office document)"), ("<!DOCTYPE HTML><p>", "HTML"),
    ("<?xml version='1.0'?><svg xmlns='x'>", "SVG"), ("%!PS-Adobe", "PostScript"),
    ("\u{7F}ELF", "ELF program"), ("push graphic-context\n", "MVG"),
  ])
  func `other formats are named`(_ start: String, _ name: String) {
    let bytes = Array(start.utf8) + [UInt8](repeating: 0x20, count: 64)
    let failure = failure { _ = try ImageHeader(reading: bytes) }
    #expect(failure?.code == .unsupportedFormat)
    #expect(failure?.detail.contains(name) == true)
  }

  @Test func `rubbish is no picture`() {
    #expect(Self.code([UInt8](repeating: 0x55, count: 500)) == .notAnImage)
  }

  @Test(arguments: [
    (0xC9, "arithmetic"), (0xC3, "lossless"), (0xC5, "hierarchical"), (0xCA, "arithmetic"),
  ])
  func `variants that are not read are named`(_ marker: Int, _ name: String) throws {
    var bytes = try fixture("420")
    let frame = try #require(bytes.offset(ofMarker: 0xC0))
    bytes[frame + 1] = UInt8(marker)
    let failure = failure { _ = try ImageHeader(reading: bytes) }
    #expect(failure?.code == .unsupportedVariant)
    #expect(failure?.detail.contains(name) == true)
  }

  @Test func `12 bits, two components and an open height are refused`() throws {
    let bytes = try fixture("420")
    let frame = try #require(bytes.offset(ofMarker: 0xC0))
    for (offset, value) in [(4, 12), (9, 2)] {
      var broken = bytes
      broken[frame + offset] = UInt8(value)
      #expect(Self.code(broken) == .unsupportedVariant)
    }
    var open = bytes
    open[frame + 5] = 0
    open[frame + 6] = 0
    #expect(Self.code(open) == .unsupportedVariant)
  }

  @Test(arguments: [(65_500, 65_500), (20_001, 100), (9_000, 9_000), (1, 65_500)])
  func `sizes beyond the limits are refused before decoding`(_ width: Int, _ height: Int) throws {
    var bytes = try fixture("progressive")
    let frame = try #require(bytes.offset(ofMarker: 0xC2))
    bytes[frame + 5] = UInt8(height >> 8)
    bytes[frame + 6] = UInt8(height & 255)
    bytes[frame + 7] = UInt8(width >> 8)
    bytes[frame + 8] = UInt8(width & 255)
    #expect(Self.code(bytes) == .imageTooLarge)
    #expect(Self.code(PNGWriter(size: PixelSize(width: 8, height: 8)).bytes) == .imageTooSmall)
  }

  @Test(arguments: [50_000, 1 << 31 - 1, 1 << 31])
  func `a PNG that claims to be huge is refused by its header`(_ side: Int) {
    var bytes = PNGWriter().bytes
    bytes.replaceSubrange(16..<24, with: PNGWriter.big(side) + PNGWriter.big(side))
    #expect(Self.code(bytes) == .imageTooLarge)
  }

  @Test(arguments: [(6, 16, true), (6, 8, false), (2, 16, true), (2, 8, false), (3, 8, false)])
  func `a PNG that unpacks to 256 MB and more is refused`(_ type: Int, _ depth: Int, _ isBomb: Bool)
    throws
  {
    for interlaced in [false, true] {
      var writer = PNGWriter(colorType: type, depth: depth, interlaced: interlaced)
      writer.palette = type == 3 ? [0, 0, 0] : []
      writer.pixel = { _, _ in [Int](repeating: 0, count: [2: 3, 6: 4][type] ?? 1) }
      var bytes = writer.bytes
      bytes.replaceSubrange(16..<24, with: PNGWriter.big(7_000) + PNGWriter.big(7_000))
      #expect(Self.code(bytes) == (isBomb ? .imageTooLarge : nil))
    }
  }

  @Test func `orientation and density come from EXIF, bounded by its segment`() throws {
    let bytes = try fixture("420")
    for value in [UInt16(0), 9, 255, 6 << 8] {
      let odd = bytes.inserting(segment: 0xE1, .exif(orientation: value))
      #expect(try ImageHeader(reading: odd).orientation == .upright)
    }
    let exif = [UInt8].exif(orientation: 3)
    for cut in 0..<exif.count {
      let short = bytes.inserting(segment: 0xE1, Array(exif.prefix(cut)))
      _ = try ImageHeader(reading: short)
    }
    let lost =
      Array("Exif\0\0MM\0*".utf8) + [0xFF, 0xFF, 0xFF, 0xF0] + [UInt8](repeating: 0, count: 20)
    #expect(try ImageHeader(reading: bytes.inserting(segment: 0xE1, lost)).orientation == .upright)
  }

  @Test(arguments: [("420", 1.5), ("422", 2), ("444", 3), ("gray", 1), ("ycck-420", 2.5)])
  func `the sampling factors tell how much is stored`(_ name: String, _ samples: Double) throws {
    #expect(try ImageHeader(reading: try fixture(name)).samplesPerPixel == samples)
  }

  @Test func `the first EXIF block that can be read wins`() throws {
    let bytes = try fixture("420").inserting(segment: 0xE1, .exif(orientation: 8))
      .inserting(segment: 0xE1, .exif(orientation: 6))
      .inserting(segment: 0xE1, Array("Exif\0\0rubbish".utf8))
    #expect(try ImageHeader(reading: bytes).orientation == .turnRight)
  }

  @Test func `an EXIF block without a valid orientation leaves it to the next, up to the scan`()
    throws
  {
    let bytes = try fixture("420")
    let two = bytes.inserting(segment: 0xE1, .exif(orientation: 6))
      .inserting(segment: 0xE1, .exif(orientation: 0))
    #expect(try ImageHeader(reading: two).orientation == .turnRight)
    let late = bytes.inserting(segment: 0xE1, .exif(orientation: 6), at: bytes.count - 2)
    #expect(try ImageHeader(reading: late).orientation == .upright)
    var twice = [UInt8].exif(orientation: 6)
    let entry = twice[16..<28]
    twice.insert(contentsOf: entry, at: 28)
    twice[15] = 2
    twice[28 + 9] = 1
    #expect(
      try ImageHeader(reading: bytes.inserting(segment: 0xE1, twice)).orientation == .turnRight)
  }

  @Test(arguments: [("=\"6\"", 1), (">8<", 1), ("=\"1\"", 0), ("", 0)])
  func `an orientation that only XMP tells is worth a word`(_ value: String, _ notices: Int) throws
  {
    let packet = Array("http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation\(value)/>".utf8)
    let bytes = try fixture("420").inserting(segment: 0xE1, packet)
    #expect(try ImageHeader(reading: bytes).notices.count == notices)
    let both = bytes.inserting(segment: 0xE1, .exif(orientation: 6))
    #expect(try ImageHeader(reading: both).notices.isEmpty)
  }

  @Test func `what follows the end is counted and told`() throws {
    let tail = [UInt8](repeating: 7, count: 1000)
    #expect(try ImageHeader(reading: try fixture("420") + tail).trailingBytes == 1000)
    let header = try ImageHeader(reading: PNGWriter().bytes + tail)
    #expect(header.trailingBytes == 1000)
    #expect(header.notices.count == 1)
  }

  @Test func `an animated PNG is told, Apple's variant and unknown needs are refused`() throws {
    var writer = PNGWriter()
    writer.before = [PNGWriter.chunk("acTL", [0, 0, 0, 2, 0, 0, 0, 0])]
    #expect(try ImageHeader(reading: writer.bytes).notices.count == 1)
    writer.before = [PNGWriter.chunk("NEED", [1])]
    #expect(Self.code(writer.bytes) == .unsupportedVariant)
    var apple = PNGWriter().bytes
    apple.insert(contentsOf: PNGWriter.chunk("CgBI", [0, 0, 0, 0]), at: 8)
    #expect(Self.code(apple) == .unsupportedVariant)
  }
}
