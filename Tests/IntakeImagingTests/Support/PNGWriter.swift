import IntakeCore
import IntakeSystem

/// Writes PNGs of every kind with stored (uncompressed) data, so that tests know each byte.
struct PNGWriter {
  var size = Scene.size
  var colorType = 2
  var depth = 8
  var interlaced = false
  var palette: [UInt8] = []
  var transparency: [UInt8]?
  /// What becomes of the rows and of the compressed data before they are written.
  var changeRows: ([UInt8]) -> [UInt8] = { $0 }
  var changeData: ([UInt8]) -> [UInt8] = { $0 }
  /// Chunks between the header and the data, and after the data.
  var before: [[UInt8]] = []
  var after: [[UInt8]] = []
  /// The samples of a pixel, `depth` bits each.
  var pixel: (Int, Int) -> [Int] = { x, y in Scene.rgb(x, y).map { Int($0) } }

  var bytes: [UInt8] {
    var out: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    let header =
      Self.big(size.width) + Self.big(size.height)
      + [UInt8(depth), UInt8(colorType), 0, 0, interlaced ? 1 : 0]
    out += Self.chunk("IHDR", header)
    if !palette.isEmpty { out += Self.chunk("PLTE", palette) }
    if let transparency { out += Self.chunk("tRNS", transparency) }
    out += before.flatMap { $0 }
    out += Self.chunk("IDAT", changeData(Self.stored(changeRows(rows))))
    out += after.flatMap { $0 }
    return out + Self.chunk("IEND", [])
  }

  private var rows: [UInt8] {
    let passes =
      interlaced
      ? [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
        (0, 1, 1, 2),
      ]
      : [(0, 0, 1, 1)]
    var out: [UInt8] = []
    for (left, top, stepX, stepY) in passes {
      for y in stride(from: top, to: size.height, by: stepY) {
        let row = stride(from: left, to: size.width, by: stepX).flatMap { pixel($0, y) }
        if !row.isEmpty { out += [0] + packed(row) }
      }
    }
    return out
  }

  private func packed(_ samples: [Int]) -> [UInt8] {
    if depth == 16 { return samples.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } }
    var out = [UInt8](repeating: 0, count: (samples.count * depth + 7) / 8)
    for (index, sample) in samples.enumerated() {
      let bit = index * depth
      out[bit / 8] |= UInt8(sample << (8 - depth - bit % 8))
    }
    return out
  }

  static func big(_ value: Int) -> [UInt8] {
    [
      UInt8(value >> 24 & 255), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255),
      UInt8(value & 255),
    ]
  }

  static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + content
    return big(content.count) + body + big(Int(Checksums.crc32(body)))
  }

  /// A zlib stream of stored blocks.
  static func stored(_ data: [UInt8]) -> [UInt8] {
    var out: [UInt8] = [0x78, 0x01]
    var offset = 0
    repeat {
      let count = min(65_535, data.count - offset)
      let isLast = offset + count == data.count
      out += [isLast ? 1 : 0, UInt8(count & 255), UInt8(count >> 8)]
      out += [UInt8(~count & 255), UInt8(~count >> 8 & 255)]
      out += data[offset..<(offset + count)]
      offset += count
    } while offset < data.count
    var (a, b) = (1, 0)
    for byte in data {
      a = (a + Int(byte)) % 65_521
      b = (b + a) % 65_521
    }
    return out + big(b << 16 | a)
  }
}
