import IntakeCore
import TestSupport
import Testing

@testable import IntakeImaging

/// Damage told from disorder: a file is refused when picture data is missing or wrong, not when a writer was sloppy.
struct DisorderTests {
  private static func prepare(_ bytes: [UInt8]) throws -> PreparedImage {
    try ImageShrinker().prepare(try scan(bytes))
  }

  /// The code that a file is refused with, nil for one that is accepted.
  private static func refusal(_ bytes: [UInt8]) -> StageFailure? {
    failure { _ = try prepare(bytes) }
  }

  /// Where the data of the first scan begins.
  private static func dataStart(_ bytes: [UInt8]) throws -> Int {
    let scan = try #require(bytes.offset(ofMarker: 0xDA))
    return scan + 2 + Int(bytes[scan + 2]) << 8 + Int(bytes[scan + 3])
  }

  /// The same file with something before each restart marker.
  private static func stuffed(_ stray: [UInt8]) throws -> [UInt8] {
    let bytes = try fixture("restart")
    var out: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      if byte == 0xFF, index + 1 < bytes.count, (0xD0...0xD7).contains(bytes[index + 1]) {
        out += stray
      }
      out.append(byte)
    }
    return out
  }

  @Test func `what a sequential scan says of its coefficients is put right`() throws {
    var bytes = try fixture("420")
    let start = try Self.dataStart(bytes)
    bytes.replaceSubrange(start - 3..<start, with: [0, 0, 0])
    let prepared = try Self.prepare(bytes)
    #expect(prepared.report.method == .passthrough)
    let sent = try Self.dataStart(prepared.bytes)
    #expect(Array(prepared.bytes[sent - 3..<sent]) == [0, 63, 0])
    #expect(try scan(prepared.bytes).pixels() == scan(fixture("420")).pixels())
  }

  @Test func `rows that the picture does not have are dropped where restarts prove the rest`()
    throws
  {
    // The header says 48 rows, the file has 64: one row of blocks too many, in three intervals.
    var bytes = try fixture("restart")
    let frame = try #require(bytes.offset(ofMarker: 0xC0))
    bytes[frame + 6] = 48
    let prepared = try Self.prepare(bytes)
    #expect(prepared.report.method == .reencoded)
    #expect(prepared.report.sent.size == PixelSize(width: 96, height: 48))
    #expect(prepared.report.warnings.contains { $0.contains("stray bytes") })
    let last = try #require(
      bytes.indices.last { bytes[$0] == 0xFF && bytes[$0 + 1] & 0xF8 == 0xD0 })
    bytes[last + 1] = 0xD0 | (bytes[last + 1] &+ 2) & 7
    #expect(Self.refusal(bytes)?.code == .damagedImage)
  }

  @Test(arguments: [[0], [0, 0, 0, 0, 0, 0], [0x17]])
  func `padding before restart markers is dropped`(_ stray: [UInt8]) throws {
    let prepared = try Self.prepare(try Self.stuffed(stray))
    #expect(prepared.report.method == .reencoded)
    #expect(prepared.report.warnings.contains { $0.contains("\(11 * stray.count) stray bytes") })
    #expect(try scan(Self.stuffed(stray)).pixels() == scan(fixture("restart")).pixels())
  }

  @Test func `data that is left over before a restart marker is damage`() throws {
    let refusal = try #require(Self.refusal(try Self.stuffed([1, 2, 3, 4, 5, 6, 7, 8])))
    #expect(refusal.code == .damagedImage)
  }

  @Test(arguments: [0, 0x33, 0xFF] as [UInt8])
  func `constant padding before the end is harmless`(_ value: UInt8) throws {
    let bytes =
      try fixture("420").dropLast(2) + [UInt8](repeating: value, count: 64) + [0xFF, 0xD9]
    #expect(try scan(Array(bytes)).pixels() == scan(fixture("420")).pixels())
    _ = try Self.prepare(Array(bytes))
  }

  @Test(arguments: ["420", "restart", "progressive", "multiscan"])
  func `a missing end marker is worth a word, missing data is not`(_ name: String) throws {
    let bytes = Array(try fixture(name).dropLast(2))
    let prepared = try Self.prepare(bytes)
    #expect(prepared.report.warnings.contains { $0.contains("end marker was missing") })
    #expect(prepared.bytes.suffix(2) == [0xFF, 0xD9])
    #expect(try scan(bytes).pixels() == scan(fixture(name)).pixels())
    let start = try Self.dataStart(bytes)
    for end in stride(from: start + 1, to: bytes.count - 8, by: 7) {
      #expect(Self.refusal(Array(bytes[..<end]))?.code == .damagedImage, "cut at \(end)")
    }
  }

  @Test func `a frame without Huffman tables is sent with the standard's`() throws {
    let whole = try jpeg(of: document(320, 240))
    var bytes = whole
    while let table = bytes.offset(ofMarker: 0xC4) {
      bytes.removeSubrange(table..<table + 2 + Int(bytes[table + 2]) << 8 + Int(bytes[table + 3]))
    }
    let prepared = try Self.prepare(bytes)
    #expect(prepared.bytes.offset(ofMarker: 0xC4) != nil)
    #expect(try scan(bytes).pixels() == scan(whole).pixels())
  }

  @Test func `a progressive picture that ends after some scans is not complete`() throws {
    let bytes = try fixture("progressive")
    let scans = bytes.indices.dropLast().filter { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA }
    #expect(scans.count == 10)
    for (index, next) in scans.dropFirst().enumerated() {
      let cut = Array(bytes[..<next]) + [0xFF, 0xD9]
      let warnings = try? Self.prepare(cut).report.warnings
      // The tables of the next scan may stand at the end. After five scans each coefficient is known coarsely.
      if index < 4 {
        #expect(Self.refusal(cut)?.code == .damagedImage, "after \(index + 1) scans")
      } else {
        #expect(warnings?.contains { $0.contains("cut short") } == true, "after \(index + 1) scans")
      }
    }
    #expect(try Self.prepare(bytes).report.warnings.allSatisfy { !$0.contains("cut short") })
  }

  @Test func `components that are announced and never come are missing`() throws {
    let bytes = try fixture("multiscan")
    let scans = bytes.indices.dropLast().filter { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA }
    for next in scans.dropFirst() {
      let refusal = try #require(Self.refusal(Array(bytes[..<next]) + [0xFF, 0xD9]))
      #expect(refusal.detail.contains("never come") && refusal.hint.contains("copy"))
    }
  }

  @Test func `CMYK without a word on its meaning is inverted, as with one`() throws {
    let adobe = Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, 0]
    let bytes = try fixture("cmyk")
    let prepared = try Self.prepare(bytes)
    #expect(prepared.report.warnings.contains { $0.contains("CMYK") })
    #expect(try scan(bytes).pixels() == scan(bytes.inserting(segment: 0xEE, adobe)).pixels())
  }

  @Test func `a comment of length 0 is read over, a line break before the picture is named`() throws
  {
    var bytes = try fixture("420")
    bytes.insert(contentsOf: [0xFF, 0xFE, 0, 0], at: 2)
    #expect(try Self.prepare(bytes).report.method == .passthrough)
    let refusal = try #require(Self.refusal([0x0A] + (try fixture("420"))))
    #expect(refusal.detail.contains("1 stray byte") && refusal.hint.contains("save it"))
  }

  @Test func `pixels that are not square are worth a word`() throws {
    var bytes = try fixture("420")
    bytes.replaceSubrange(13..<18, with: [1, 0, 204, 0, 98])
    #expect(try Self.prepare(bytes).report.warnings.contains { $0.contains("204 to 98") })
    var png = PNGWriter()
    png.before = [
      PNGWriter.chunk("pHYs", PNGWriter.big(8_000) + PNGWriter.big(4_000) + [1])
    ]
    #expect(try Self.prepare(png.bytes).report.warnings.contains { $0.contains("not square") })
  }

  @Test func `50-megapixel photos are within the limits`() throws {
    try ImageLimits().check(PixelSize(width: 8_192, height: 6_144))
  }
}

/// Colours that only a profile or a gamma explains, and pictures that an empty alpha channel hides.
struct ColorTests {
  /// A profile as far as its header goes: what libpng and this program look at.
  static func profile(_ count: Int, space: String = "RGB ", name: String = "Made Up") -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(count, 192) + 3 & ~3)
    bytes.replaceSubrange(0..<4, with: PNGWriter.big(bytes.count))
    bytes.replaceSubrange(8..<12, with: [4, 0, 0, 0])
    bytes.replaceSubrange(12..<24, with: Array("mntr\(space)XYZ ".utf8))
    bytes.replaceSubrange(36..<40, with: Array("acsp".utf8))
    bytes.replaceSubrange(68..<80, with: [0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D])
    // One tag: the name, as version 2 has it.
    bytes.replaceSubrange(128..<132, with: PNGWriter.big(1))
    bytes.replaceSubrange(
      132..<144, with: Array("desc".utf8) + PNGWriter.big(144) + PNGWriter.big(40))
    let text =
      Array("desc".utf8) + [0, 0, 0, 0] + PNGWriter.big(name.utf8.count + 1) + Array(name.utf8)
    bytes.replaceSubrange(144..<144 + text.count, with: text)
    return bytes
  }

  private static func inJPEG(_ profile: [UInt8], part: UInt8 = 1, of parts: UInt8 = 1) throws
    -> [UInt8]
  {
    try fixture("420").inserting(
      segment: 0xE2, Array("ICC_PROFILE\0".utf8) + [part, parts] + profile)
  }

  private static func inPNG(_ profile: [UInt8]) -> [UInt8] {
    var png = PNGWriter()
    png.before = [
      PNGWriter.chunk("iCCP", Array("Made Up\0\0".utf8) + PNGWriter.stored(profile))
    ]
    return png.bytes
  }

  private static func prepare(_ bytes: [UInt8], budget: Int = 500_000) throws -> PreparedImage {
    try ImageShrinker().prepare(try scan(bytes), budget: budget)
  }

  @Test(arguments: [548, 6_000, 19_000])
  func `a profile stays while it takes at most a 25th of the budget`(_ count: Int) throws {
    let profile = Self.profile(count)
    for bytes in [try Self.inJPEG(profile), Self.inPNG(profile)] {
      let prepared = try Self.prepare(bytes)
      #expect(prepared.bytes.contains(sequence: profile))
      #expect(prepared.report.warnings.allSatisfy { !$0.contains("profile") })
      let small = try Self.prepare(bytes, budget: count * 20)
      #expect(!small.bytes.contains(sequence: Array(profile.prefix(100))))
      let words = #"the colour profile "Made Up" of \#(profile.count) bytes was dropped, which"#
      #expect(small.report.warnings.contains { $0.contains(words) }, "\(small.report.warnings)")
    }
  }

  @Test func `half a profile is none, nor is one for another kind of picture`() throws {
    let profile = Self.profile(548)
    let half = try Self.prepare(try Self.inJPEG(profile, part: 1, of: 2))
    #expect(half.report.warnings.contains { $0.contains("a part of it is missing") })
    var broken = profile
    broken[36] = 0x58
    for wrong in [broken, Self.profile(548, space: "GRAY"), Self.profile(548, space: "CMYK")] {
      for bytes in [try Self.inJPEG(wrong), Self.inPNG(wrong)] {
        let prepared = try Self.prepare(bytes)
        #expect(!prepared.bytes.contains(sequence: Array(wrong.prefix(100))))
        #expect(prepared.report.warnings.contains { $0.contains("dropped") })
      }
    }
    let large = try Self.prepare(Self.inPNG(Self.profile(70_000)))
    #expect(
      large.report.warnings.contains { $0.contains(#""Made Up" of 70000 bytes was dropped"#) })
    let torn = try Self.prepare(Self.inPNG([1]))
    #expect(
      torn.report.warnings.contains(
        #"the colour profile "Made Up" was dropped: it is broken or not for this kind of picture"#))
  }

  @Test(arguments: [2, 3, 0])
  func `linear light is converted to sRGB`(_ type: Int) throws {
    var png = PNGWriter()
    (png.size, png.colorType) = (PixelSize(width: 32, height: 32), type)
    if type == 3 { png.palette = [128, 128, 128] }
    png.pixel = { _, _ in type == 2 ? [128, 128, 128] : [type == 3 ? 0 : 128] }
    let plain = png.bytes
    png.before = [PNGWriter.chunk("gAMA", PNGWriter.big(100_000))]
    #expect(try scan(plain).pixels()[5, 5].luma == 128)
    // Half the light is 188 of 255 in sRGB; libpng takes a plain power, which is 1 or 2 off.
    #expect(abs(Int(try scan(png.bytes).pixels()[5, 5].luma) - 187) <= 3)
    #expect(try Self.prepare(png.bytes).report.warnings.contains { $0.contains("gamma of 1") })
    png.before.insert(PNGWriter.chunk("sRGB", [0]), at: 0)
    #expect(try scan(png.bytes).pixels()[5, 5].luma == 128)
  }

  @Test(arguments: [4, 6, 3])
  func `a picture that is wholly transparent is shown as if it were not`(_ type: Int) throws {
    var png = PNGWriter()
    png.colorType = type
    if type == 3 { (png.palette, png.transparency) = ([40, 50, 60], [0]) }
    png.pixel = { _, _ in type == 4 ? [50, 0] : type == 6 ? [40, 50, 60, 0] : [0] }
    #expect(try scan(png.bytes).pixels()[5, 5].luma < 60)
    #expect(try Self.prepare(png.bytes).report.warnings.contains { $0.contains("transparent") })
    // What nobody can see is as good as transparent.
    png.transparency = type == 3 ? [1] : nil
    png.pixel = { _, _ in type == 4 ? [50, 1] : type == 6 ? [40, 50, 60, 1] : [0] }
    #expect(try scan(png.bytes).pixels()[5, 5].luma < 60)
    guard type == 6 else { return }
    // One pixel that shows makes the others what they say they are; a page that is nearly white is worth a word.
    png.pixel = { x, y in [40, 50, 60, x == 90 && y == 60 ? 255 : 0] }
    #expect(try scan(png.bytes).pixels()[5, 5].luma == 255)
    #expect(try Self.prepare(png.bytes).report.warnings.contains { $0.contains("less than 1 %") })
    png.pixel = { x, y in [40, 50, 60, y == 63 ? 255 : 0] }
    #expect(try Self.prepare(png.bytes).report.warnings.allSatisfy { !$0.contains("pixels show") })
  }

  @Test func `a PNG is turned by a block with the name that it has in a JPEG, and not by XMP`()
    throws
  {
    var png = PNGWriter()
    png.before = [PNGWriter.chunk("eXIf", .exif(orientation: 6))]
    #expect(try Self.prepare(png.bytes).report.sent.size == PixelSize(width: 64, height: 96))
    png.before = [
      PNGWriter.chunk(
        "iTXt",
        Array("XML:com.adobe.xmp\0\0\0\0\0".utf8) + Array(#"<x tiff:Orientation="6"/>"#.utf8))
    ]
    let prepared = try Self.prepare(png.bytes)
    #expect(prepared.report.sent.size == Scene.size)
    #expect(prepared.report.warnings.contains { $0.contains("XMP") })
  }
}
