public import IntakeCore
import IntakeImaging

/// Small pictures for tests, drawn and encoded where they are needed.
public enum SampleImage {
  /// A JPEG in colour with something to see on it; sides in pixels, 16 at least.
  public static func jpeg(width: Int = 320, height: Int = 200) throws -> [UInt8] {
    var shrinker = ImageShrinker()
    shrinker.edge = .max
    shrinker.quality = 90
    shrinker.maximumBytes = .max / 4
    return try shrinker.prepare(seed().replacing(pixels: bitmap(width, height))).bytes
  }

  /// A gray PNG, stored without compression; sides in pixels, 16 at least.
  public static func png(width: Int = 64, height: Int = 48) -> [UInt8] {
    StoredPNG(bitmap(width, height).luma).bytes
  }

  /// A scan as `decode` would hand it on.
  public static func document(_ bytes: [UInt8], side: Side = .front, file: String = "sample") throws
    -> DocumentImage
  {
    let codec = ImageCodec()
    return DocumentImage(
      side: side, file: file, header: try codec.header(of: bytes), bytes: bytes, codec: codec)
  }

  /// An image as `shrink` would hand it on.
  public static func prepared(_ bytes: [UInt8], side: Side = .front) throws -> PreparedImage {
    try prepared(document(bytes, side: side))
  }

  static func prepared(_ image: DocumentImage) throws -> PreparedImage {
    try ImageShrinker().prepare(image)
  }

  /// The first document image has to come from somewhere: from the one format that needs no encoder.
  private static func seed() throws -> DocumentImage { try document(png()) }

  /// A card with a frame and a chequered field: flat parts, edges and colour.
  private static func bitmap(_ width: Int, _ height: Int) -> Bitmap {
    let luma = plane(width, height) { x, y in
      let isFrame = min(x, y, width - 1 - x, height - 1 - y) < 4
      return isFrame ? 40 : (x / 8 + y / 8) % 2 == 0 ? 230 : UInt8(60 + x * 120 / width)
    }
    let (halfWidth, halfHeight) = ((width + 1) / 2, (height + 1) / 2)
    let blue = plane(halfWidth, halfHeight) { x, _ in UInt8(100 + x * 60 / halfWidth) }
    let red = plane(halfWidth, halfHeight) { _, y in UInt8(100 + y * 60 / halfHeight) }
    return Bitmap(luma: luma, chroma: Bitmap.Chroma(blue: blue, red: red))
  }

  private static func plane(_ width: Int, _ height: Int, _ value: (Int, Int) -> UInt8) -> Plane {
    var samples: [UInt8] = []
    samples.reserveCapacity(width * height)
    for y in 0..<height { for x in 0..<width { samples.append(value(x, y)) } }
    return Plane(width: width, height: height, samples: samples)
  }
}

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
    return word(data.count) + content + word(Int(Checksums.crc32(content)))
  }

  private static func adler(_ bytes: [UInt8]) -> Int {
    var (a, b) = (1, 0)
    for byte in bytes {
      a = (a + Int(byte)) % 65_521
      b = (b + a) % 65_521
    }
    return b << 16 | a
  }
}
