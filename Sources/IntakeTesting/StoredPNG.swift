import IntakeCore

/// A gray picture as PNG (W3C PNG, third edition) whose zlib stream (RFC 1950) only stores.
struct StoredPNG {
  private let plane: Plane

  init(_ plane: Plane) { self.plane = plane }

  var bytes: [UInt8] {
    let header = StoredPNG.word(plane.width) + StoredPNG.word(plane.height) + [8, 0, 0, 0, 0]
    return ImageFormat.png.signature + StoredPNG.chunk("IHDR", header)
      + StoredPNG.chunk("IDAT", stream) + StoredPNG.chunk("IEND", [])
  }

  /// Every row begins with its filter: 0, none.
  private var rows: [UInt8] {
    var rows: [UInt8] = []
    for y in 0..<plane.height {
      rows.append(0)
      rows += plane.samples[(y * plane.width)..<((y + 1) * plane.width)]
    }
    return rows
  }

  private var stream: [UInt8] {
    let rows = self.rows
    var stream: [UInt8] = [0x78, 0x01]
    // A stored block holds at most 65,535 bytes (RFC 1951, 3.2.4).
    for start in stride(from: 0, to: rows.count, by: 65_535) {
      let block = rows[start..<min(start + 65_535, rows.count)]
      let (low, high) = (UInt8(block.count & 0xFF), UInt8(block.count >> 8))
      stream += [block.endIndex == rows.count ? 1 : 0, low, high, ~low, ~high] + block
    }
    return stream + StoredPNG.word(StoredPNG.adler(rows))
  }

  private static func word(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }

  private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let content = Array(name.utf8) + data
    return word(data.count) + content + word(Int(crc(content)))
  }

  private static func adler(_ bytes: [UInt8]) -> Int {
    var (a, b) = (1, 0)
    for byte in bytes {
      a = (a + Int(byte)) % 65_521
      b = (b + a) % 65_521
    }
    return b << 16 | a
  }

  private static func crc(_ bytes: [UInt8]) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }
}
