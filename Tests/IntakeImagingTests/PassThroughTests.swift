import IntakeCore
import IntakeImaging
import Testing

struct PassThroughTests {
  private static func prepare(_ bytes: [UInt8], edit: (inout ImageShrinker) -> Void = { _ in })
    throws
    -> PreparedImage
  {
    var shrinker = ImageShrinker()
    edit(&shrinker)
    return try shrinker.prepare(try scan(bytes))
  }

  private static func markers(of bytes: [UInt8]) -> Set<UInt8> {
    var found: Set<UInt8> = []
    var offset = 2
    while offset + 4 <= bytes.count, bytes[offset] == 0xFF, bytes[offset + 1] != 0xDA {
      found.insert(bytes[offset + 1])
      offset += 2 + Int(bytes[offset + 2]) << 8 + Int(bytes[offset + 3])
    }
    return found
  }

  @Test(arguments: ["420", "444", "gray", "progressive", "restart", "rgb", "rgb-ids"])
  func `what fits keeps its pixels bit for bit`(_ name: String) throws {
    let bytes = try fixture(name)
    let prepared = try Self.prepare(bytes)
    #expect(prepared.report.method == .passthrough)
    #expect(try scan(prepared.bytes).pixels() == scan(bytes).pixels())
    #expect(prepared.report.attempts.isEmpty)
  }

  @Test func `metadata, thumbnails, comments and the tail are gone`() throws {
    let secret = Array("GPS 47.3 N 8.5 E".utf8)
    var bytes = try fixture("420")
    for (marker, name) in [
      (0xE1, "Exif\0\0"), (0xE1, "http://ns.adobe.com/xap/1.0/\0"), (0xED, "Photoshop 3.0\0"),
      (0xFE, ""), (0xE5, "x"), (0xE0, "JFXX\0"),
    ] {
      bytes = bytes.inserting(segment: UInt8(marker), Array(name.utf8) + secret)
    }
    bytes += secret
    let prepared = try Self.prepare(bytes)
    #expect(prepared.report.method == .passthrough)
    #expect(Self.markers(of: prepared.bytes).isSubset(of: [0xC0, 0xC4, 0xDB, 0xE0]))
    #expect(!prepared.bytes.contains(sequence: secret))
    #expect(prepared.report.warnings.contains { $0.contains("after the end") })
  }

  @Test func `a thumbnail inside the JFIF header is cut off`() throws {
    var bytes = try fixture("420")
    let header = try #require(bytes.offset(ofMarker: 0xE0))
    let thumbnail =
      Array("JFIF\0\u{1}\u{1}\u{1}\0".utf8) + [72, 0, 72, 2, 2]
      + [UInt8](repeating: 0xAB, count: 12)
    bytes.removeSubrange(header..<(header + 18))
    bytes = bytes.inserting(segment: 0xE0, thumbnail)
    let prepared = try Self.prepare(bytes)
    #expect(prepared.report.method == .passthrough)
    #expect(!prepared.bytes.contains(sequence: [0xAB, 0xAB, 0xAB]))
    #expect(Array(prepared.bytes[2..<6]) == [0xFF, 0xE0, 0, 16])
  }

  @Test func `a small colour profile stays, a large or foreign one goes with a word`() throws {
    func profile(_ count: Int, _ space: String) -> [UInt8] {
      Array("ICC_PROFILE\0\u{1}\u{1}".utf8) + ColorTests.profile(count, space: space)
    }
    let bytes = try fixture("420")
    for isPassed in [true, false] {
      let small = try Self.prepare(bytes.inserting(segment: 0xE2, profile(548, "RGB "))) {
        $0.edge = isPassed ? 2048 : 64
      }
      #expect(try ImageHeader(reading: small.bytes).colorProfile?.count == 548)
      #expect((small.report.method == .passthrough) == isPassed)
    }
    for other in [profile(20_400, "RGB "), profile(548, "GRAY"), profile(548, "CMYK")] {
      let prepared = try Self.prepare(bytes.inserting(segment: 0xE2, other))
      #expect(!Self.markers(of: prepared.bytes).contains(0xE2))
      #expect(prepared.report.warnings.contains { $0.contains("profile") })
    }
  }

  @Test(arguments: [[0xEE, 0xE0, 0xE2], [0xDB, 0xE0, 0xE2], [0xE2, 0xE0], [0xE0, 0xE2], [0xE2]])
  func `a colour profile stays wherever it stands`(_ order: [Int]) throws {
    let bytes = try fixture("420")
    let frame = try #require(bytes.offset(ofMarker: 0xC0))
    let tables = try #require(bytes.offset(ofMarker: 0xDB))
    let parts: [Int: [UInt8]] = [
      0xEE: [UInt8]().segment(0xEE, Array("Adobe\0\u{64}\0\0\0\0\u{1}".utf8)),
      0xDB: Array(bytes[tables..<frame]), 0xE0: Array(bytes[2..<20]),
      0xE2: [UInt8]().segment(0xE2, Self.profile()),
    ]
    var mixed = Array(bytes[..<2]) + order.flatMap { parts[$0] ?? [] }
    if !order.contains(0xDB) { mixed += bytes[tables..<frame] }
    mixed += bytes[frame...]
    let prepared = try Self.prepare(mixed)
    #expect(prepared.report.method == .passthrough)
    #expect(try ImageHeader(reading: prepared.bytes).colorProfile?.count == 548)
    #expect(try scan(prepared.bytes).pixels() == scan(bytes).pixels())
  }

  private static func profile() -> [UInt8] {
    Array("ICC_PROFILE\0\u{1}\u{1}".utf8) + ColorTests.profile(548)
  }

  @Test func `a JFIF header too short for a decoder does not change the colours`() throws {
    let bytes = try fixture("rgb-ids")
    let short = bytes.inserting(segment: 0xE0, Array("JFIF\0\u{1}\u{1}\0\0\u{1}\0\u{1}".utf8))
    let prepared = try Self.prepare(short)
    #expect(prepared.report.method == .passthrough)
    #expect(try scan(prepared.bytes).pixels() == scan(bytes).pixels())
  }

  @Test func `a picture to be turned, shrunk or made smaller is encoded anew`() throws {
    let bytes = try jpeg(of: document(300, 200), quality: 95)
    let turned = try Self.prepare(bytes.inserting(segment: 0xE1, .exif(orientation: 6)))
    #expect(turned.report.method == .reencoded)
    #expect(turned.report.sent.size == PixelSize(width: 200, height: 300))
    #expect(try Self.prepare(bytes) { $0.edge = 250 }.report.method == .shrunk)
    let smaller = try Self.prepare(bytes) { $0.maximumBytes = bytes.count - 1000 }
    #expect(smaller.report.method == .reencoded)
    #expect(smaller.bytes.count <= bytes.count - 1000)
  }

  @Test func `a file that only its metadata makes too large passes through`() throws {
    let bytes = try jpeg(of: document(300, 200))
    let padded = bytes.inserting(segment: 0xE1, [UInt8](repeating: 1, count: 60_000))
    let prepared = try Self.prepare(padded) { $0.maximumBytes = bytes.count + 10 }
    #expect(prepared.report.method == .passthrough)
  }

  @Test func `a damaged picture does not pass`() throws {
    let bytes = try jpeg(of: noise(160, 120))
    let cut = Array(bytes.prefix(bytes.count / 2)) + [0xFF, 0xD9]
    #expect(failure { _ = try Self.prepare(cut) }?.code == .damagedImage)
  }
}
