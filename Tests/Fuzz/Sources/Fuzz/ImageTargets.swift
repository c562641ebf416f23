import CImaging
import IntakeCore
import IntakeImaging

/// Everything that meets the bytes of a scan before and while it is decoded.
enum ImageTargets {
  /// A quarter of a million pixels, so that one input takes milliseconds.
  private static let limits = {
    var limits = ImageLimits()
    limits.maximumPixels = 250_000
    limits.maximumSide = 4_000
    limits.minimumSide = 1
    limits.maximumDecoderMemory = 4 << 20
    return limits
  }()

  /// The walk over markers and chunks.
  static func header(_ bytes: [UInt8]) { _ = try? ImageHeader(reading: bytes, limits: limits) }

  /// An EXIF block inside an otherwise good PNG and a JPEG that ends after it.
  static func exif(_ bytes: [UInt8]) {
    let block = Array(bytes.prefix(60_000))
    header(PNGText.picture(with: ("eXIf", block)))
    let count = block.count + 8
    let segment = [0xFF, 0xE1, UInt8(count >> 8), UInt8(count & 255)] + Array("Exif\0\0".utf8)
    header([0xFF, 0xD8] + segment + block + JPEGText.grayDot)
  }

  /// The walk, the decoder and what `shrink` does with the result; the first byte chooses the size.
  static func jpeg(_ bytes: [UInt8]) {
    guard let choice = bytes.first else { return }
    prepare(Array(bytes.dropFirst()), edge: 8 << Int(choice & 7))
  }

  /// The walk over codes beside the decoder: what the one calls sound, the other takes without a word.
  static func sound(_ bytes: [UInt8]) {
    let fence = imaging_limits(
      max_side: 4_000, max_pixels: 250_000, max_scans: 64, max_memory: 4 << 20)
    guard imaging_jpeg_is_sound(bytes, bytes.count, fence) != 0 else { return }
    var status = imaging_status.IMAGING_NO_MEMORY
    let reader = imaging_jpeg_open(bytes, bytes.count, fence, &status)
    defer { imaging_jpeg_close(reader) }
    if status == .IMAGING_OK { status = imaging_jpeg_start(reader, 1) }
    var more: Int32 = 1
    while status == .IMAGING_OK, more != 0 { status = imaging_jpeg_read_band(reader, &more) }
    if status == .IMAGING_OK { status = imaging_jpeg_finish(reader) }
    precondition(status == .IMAGING_OK && imaging_jpeg_strays(reader) == 0)
  }

  /// `jpeg` for PNG, with checksums made right: otherwise nearly every mutation would end there.
  static func png(_ bytes: [UInt8]) {
    guard let choice = bytes.first else { return }
    prepare(PNGText.withGoodChecksums(Array(bytes.dropFirst())), edge: 8 << Int(choice & 7))
  }

  private static func prepare(_ bytes: [UInt8], edge: Int) {
    guard let header = try? ImageHeader(reading: bytes, limits: limits) else { return }
    let codec = ImageCodec(limits: limits)
    let image = DocumentImage(side: .front, file: "", header: header, bytes: bytes, codec: codec)
    _ = image.memoryNeeded(fitting: edge)
    _ = try? image.pixels(fitting: edge)
    var shrinker = ImageShrinker()
    shrinker.edge = edge
    shrinker.minimumEdge = 8
    shrinker.maximumBytes = 20_000
    _ = try? shrinker.prepare(image, budget: nil)
  }
}

/// Bytes of JPEGs.
enum JPEGText {
  /// What follows the start of a JPEG of one gray block, up to a scan without data.
  static let grayDot: [UInt8] = [
    0xFF, 0xC0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0xFF,
    0xD9,
  ]
}

/// Bytes of PNGs.
enum PNGText {
  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// A PNG of one gray pixel (its data is left empty) with one chunk more.
  static func picture(with extra: (String, [UInt8])) -> [UInt8] {
    signature + chunk("IHDR", [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]) + chunk(extra.0, extra.1)
      + chunk("IDAT", []) + chunk("IEND", [])
  }

  /// The same bytes with the checksum of each chunk that is there.
  static func withGoodChecksums(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var start = 8
    while start + 12 <= bytes.count {
      let length = bytes[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) }
      let end = start + 8 + length
      guard end + 4 <= bytes.count else { break }
      bytes.replaceSubrange(end..<(end + 4), with: big(crc(bytes[(start + 4)..<end])))
      start = end + 4
    }
    return bytes
  }

  private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + content
    return big(UInt32(content.count)) + body + big(crc(body[...]))
  }

  private static func big(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in
      value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1
    }
  }

  private static func crc(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { table[Int(($0 ^ UInt32($1)) & 255)] ^ $0 >> 8 }
  }
}
