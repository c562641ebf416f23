public import IntakeCore
import IntakeImaging
import IntakeSystem

/// Small pictures for tests, drawn and encoded where they are needed.
public enum SampleImage {
  /// A JPEG in colour with something to see on it; sides in pixels, 16 at least.
  public static func jpeg(width: Int = 320, height: Int = 200) throws -> [UInt8] {
    try bitmap(width, height).jpeg(quality: 90)
  }

  /// A gray PNG, stored without compression; sides in pixels, 16 at least.
  public static func png(width: Int = 64, height: Int = 48) -> [UInt8] {
    StoredPNG(plane: bitmap(width, height).luma).bytes
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
    try ImageShrinker().prepare(document(bytes, side: side))
  }

  /// A gray picture as BMP, 24 bits a pixel without compression: a format that has to be converted.
  static func bmp(width: Int, height: Int) -> [UInt8] {
    let plane = bitmap(width, height).luma
    let row = (3 * width + 3) / 4 * 4
    func word(_ value: Int) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    // BITMAPFILEHEADER, BITMAPINFOHEADER (40 bytes, 1 plane, 24 bits), then the rows from below.
    let head = Array("BM".utf8) + word(54 + row * height) + word(0) + word(54)
    let info = word(40) + word(width) + word(height) + [1, 0, 24, 0] + word(0) + word(row * height)
    var bytes = head + info + [UInt8](repeating: 0, count: 16)
    for y in (0..<height).reversed() {
      for sample in plane.samples[(y * width)..<((y + 1) * width)] {
        bytes += [sample, sample, sample]
      }
      bytes += [UInt8](repeating: 0, count: row - 3 * width)
    }
    return bytes
  }

  /// A card with a frame and a chequered field: flat parts, edges and colour.
  private static func bitmap(_ width: Int, _ height: Int) -> Bitmap {
    var pixels = PixelBuffer(size: PixelSize(width: width, height: height), filledWith: .white)
    for y in 0..<height {
      for x in 0..<width {
        let isFrame = min(x, y, width - 1 - x, height - 1 - y) < 4
        let field = (x / 8 + y / 8) % 2 == 0 ? 230 : UInt8(60 + x * 120 / width)
        pixels[x, y] = PixelColor(
          luma: isFrame ? 40 : field, blue: UInt8(100 + x * 60 / width),
          red: UInt8(100 + y * 60 / height))
      }
    }
    return pixels.frozen()
  }
}

/// A gray picture as PNG (W3C PNG, third edition) whose zlib stream (RFC 1950) only stores.
private struct StoredPNG {
  let plane: Plane

  var bytes: [UInt8] {
    let header = word(plane.width) + word(plane.height) + [8, 0, 0, 0, 0]
    return ImageFormat.png.signature + chunk("IHDR", header) + chunk("IDAT", stream)
      + chunk("IEND", [])
  }

  private var stream: [UInt8] {
    // Every row begins with its filter: 0, none.
    let rows = (0..<plane.height).flatMap { y in
      [0] + plane.samples[(y * plane.width)..<((y + 1) * plane.width)]
    }
    var stream: [UInt8] = [0x78, 0x01]
    // A stored block holds at most 65,535 bytes (RFC 1951, 3.2.4).
    for start in stride(from: 0, to: rows.count, by: 65_535) {
      let block = rows[start..<min(start + 65_535, rows.count)]
      let (low, high) = (UInt8(block.count & 0xFF), UInt8(block.count >> 8))
      stream += [block.endIndex == rows.count ? 1 : 0, low, high, ~low, ~high] + block
    }
    return stream + word(adler(rows))
  }

  private func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let content = Array(name.utf8) + data
    return word(data.count) + content + word(Int(Checksums.crc32(content)))
  }

  private func word(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }

  private func adler(_ bytes: [UInt8]) -> Int {
    let (a, b) = bytes.reduce((1, 0)) { sums, byte in
      let a = (sums.0 + Int(byte)) % 65_521
      return (a, (sums.1 + a) % 65_521)
    }
    return b << 16 | a
  }
}

/// Inputs for stages of any role: ordinary ones, and those that damaged files and odd rows bring.
enum SampleInputs {
  /// In file names and cells; no failure may repeat it.
  static let canary = "Jane-Canary-19800229"

  /// What every stage of that input has to take; empty where nothing is known about the type.
  static func ordinary<Input>(_ type: Input.Type) throws -> [Input] {
    try values(type, images: [SampleImage.jpeg(), SampleImage.png()])
  }

  /// What a stage may refuse, but must survive.
  static func hostile<Input>(_ type: Input.Type) throws -> [Input] {
    let jpeg = try SampleImage.jpeg()
    let smallest = try SampleImage.jpeg(width: 16, height: 16)
    let strip = SampleImage.png(width: 4000, height: 16)
    // The header is whole, so the damage shows only when pixels are asked for.
    let damaged = Array(jpeg.prefix(jpeg.count * 3 / 4)) + [0xFF, 0xD9]
    return try values(type, images: [smallest, strip, damaged])
  }

  private static func values<Input>(_ type: Input.Type, images: [[UInt8]]) throws -> [Input] {
    var found: [any Sendable] = [record(), submission(), Assembly(record: record(), images: [:])]
    for bytes in images {
      found.append(ImageFile(side: .front, path: canary + ".jpg") { _ in bytes })
      guard let document = try? SampleImage.document(bytes, file: canary + ".jpg") else { continue }
      found.append(document)
      guard let prepared = try? ImageShrinker().prepare(document) else { continue }
      found += [prepared, Assembly(record: record(), images: [.front: encoded(prepared)])]
    }
    return found.compactMap { $0 as? Input }
  }

  /// Only its length is that of real base64: it is never decoded here.
  private static func encoded(_ image: PreparedImage) -> EncodedImage {
    let size = EncodedImage.encodedSize(of: image.bytes.count)
    return EncodedImage(base64: Array(repeating: UInt8(ascii: "A"), count: size), prepared: image)
  }

  private static func record() -> IntakeRecord {
    var fields = CustomerFields()
    let cells: [(Column, String)] = [
      (.id, "C-1"), (.reference, "R-1"), (.email, "jane@example.com"), (.fn, canary),
      (.ln, "Doe \"'<>&\u{202E}é"), (.dob, "1980-02-29"),
    ]
    for (column, text) in cells { fields[column] = Personal(text) }
    return IntakeRecord(
      row: RowReference(line: 2, id: "C-1", reference: "R-1"), identity: Personal([1, 2, 3]),
      fields: fields, images: [])
  }

  private static func submission() -> Submission {
    Submission(
      method: "POST", path: "", headers: [HTTPField("Content-Type", "application/json")],
      body: [
        .bytes(Array(#"{"user":""#.utf8)), .secret("user"),
        .bytes(Array(#"","name":"\#(canary)"}"#.utf8)),
      ], operation: "createOrUpdateCustomer", repeatSafety: .converges,
      customer: Personal("jane@example.com"), bodyLimit: 10_000_000, target: SampleTarget())
  }
}

private struct SampleTarget: Target {
  let name = "sample"

  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    Receipt(.accepted, http: response.status)
  }
}
