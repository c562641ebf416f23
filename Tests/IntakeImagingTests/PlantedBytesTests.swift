import IntakeCore
import IntakeImaging
import Testing

struct PlantedBytesTests {
  private static let secret = Array("PLANTED 47.3N 8E".utf8)

  /// Where the planted bytes stand: as a segment's content before a marker of the picture.
  struct Place: Sendable, CustomTestStringConvertible {
    let marker: UInt8
    var start: [UInt8] = []
    var before: UInt8 = 0xC0

    var testDescription: String {
      "\(String(marker, radix: 16)) before \(String(before, radix: 16))"
    }

    var content: [UInt8] {
      let text = start + (0..<40).flatMap { _ in PlantedBytesTests.secret }
      switch marker {
      case 0xDB: return start + text[start.count..<(start.count + 64)]
      case 0xC4: return start + [UInt8](repeating: 16, count: 16) + text.suffix(256)
      default: return text
      }
    }
  }

  private static let places: [Place] =
    ((0xE0...0xFE).map { UInt8($0) } + [0xCC, 0xC8, 0xDE, 0xDF, 0x02, 0xBF]).flatMap {
      [Place(marker: $0), Place(marker: $0, before: 0xD9)]
    } + [
      Place(marker: 0xEE, start: Array("Adobe\0\u{64}\0\0\0\0\u{1}".utf8)),
      Place(marker: 0xEE, start: Array("Adobe".utf8)),
      Place(marker: 0xE0, start: Array("JFIF\0\u{1}\u{1}\0\0\u{1}\0\u{1}\0\0".utf8)),
      Place(marker: 0xE0, start: Array("JFIF\0".utf8)),
      Place(marker: 0xDB, start: [3]), Place(marker: 0xDB, start: [0], before: 0xDB),
      Place(marker: 0xDB, start: [0], before: 0xD9), Place(marker: 0xC4, start: [3]),
      Place(marker: 0xC4, start: [0x10]), Place(marker: 0xC4, start: [0x10], before: 0xD9),
    ]

  private static func strip(_ bytes: [UInt8]) throws -> [UInt8] {
    let prepared = try ImageShrinker().prepare(try scan(bytes))
    #expect(prepared.report.method == .passthrough)
    return prepared.bytes
  }

  @Test(arguments: places)
  func `what stands in a segment or an unused table stays behind`(_ place: Place) throws {
    let bytes = try fixture("restart")
    let offset =
      place.before == 0xD9
      ? bytes.count - 2 : try #require(bytes.offset(ofMarker: place.before))
    let planted = bytes.inserting(segment: place.marker, place.content, at: offset)
    #expect(planted.contains(sequence: Self.secret))
    let sent = try Self.strip(planted)
    #expect(!sent.contains(sequence: Self.secret))
    #expect(sent.count <= bytes.count + 16)
    #expect(try scan(sent).pixels() == scan(bytes).pixels())
  }

  @Test func `what stands between two scans stays behind`() throws {
    let bytes = try fixture("multiscan")
    let scans = bytes.indices.filter { bytes[$0...].starts(with: [0xFF, 0xDA]) }
    #expect(scans.count == 3)
    for marker in [UInt8(0xE1), 0xFE, 0xEE, 0xCC] {
      let sent = try Self.strip(bytes.inserting(segment: marker, Self.secret, at: scans[1]))
      #expect(!sent.contains(sequence: Self.secret))
      #expect(try scan(sent).pixels() == scan(bytes).pixels())
    }
  }

  @Test func `what stands between two segments or after the end stays behind`() throws {
    let bytes = try fixture("420")
    #expect(try Self.strip(bytes[..<20] + Self.secret + bytes[20...]) == Self.strip(bytes))
    #expect(try Self.strip(bytes + Self.secret) == Self.strip(bytes))
  }

  @Test(arguments: ["420", "restart", "multiscan"])
  func `numbers in restart markers after the picture stay behind`(_ name: String) throws {
    let bytes = try fixture(name)
    let numbers = Self.secret.flatMap { [UInt8(0xFF), 0xD0 | $0 & 7] }
    let plain = try Self.strip(bytes)
    #expect(try Self.strip(bytes.dropLast(2) + numbers + [0xFF, 0xD9]) == plain)
    #expect(try Self.strip(bytes.dropLast(2) + [0xFF, 0xFF, 0xFF, 0xD9]) == plain)
    #expect(try Self.strip(bytes.dropLast(2) + numbers + [0x31, 0xFF, 0xD9]) == plain)
  }
}
