import CZlib
public import IntakeCore
import IntakeImaging
import IntakeSystem

/// Small pictures for tests, drawn and encoded where they are needed.
public enum SampleImage {
  /// A JPEG in colour with something to see on it; sides in pixels, 16 at least.
  public static func jpeg(width: Int = 320, height: Int = 200) throws -> [UInt8] {
    try bitmap(width, height).jpeg(quality: 90)
  }

  /// A gray PNG (W3C PNG, third edition); sides in pixels, 16 at least.
  public static func png(width: Int = 64, height: Int = 48) -> [UInt8] {
    let samples = bitmap(width, height).luma.samples
    // Every row begins with its filter: 0, none.
    let rows = (0..<height).flatMap { [0] + samples[($0 * width)..<(($0 + 1) * width)] }
    var size = compressBound(uLong(rows.count))
    var stream = [UInt8](repeating: 0, count: Int(size))
    _ = compress(&stream, &size, rows, uLong(rows.count))
    func word(_ value: Int) -> [UInt8] { bytes(of: value).reversed() }
    func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
      let content = Array(name.utf8) + data
      return word(data.count) + content + word(Int(Checksums.crc32(content)))
    }
    return ImageFormat.png.signature
      + chunk("IHDR", word(width) + word(height) + [8, 0, 0, 0, 0])
      + chunk("IDAT", Array(stream.prefix(Int(size)))) + chunk("IEND", [])
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
  static func bmp() -> [UInt8] {
    let (width, height) = (64, 48)
    // BMP wants its rows from below; 192 bytes need no padding.
    let samples = bitmap(width, height).luma.samples
    let pixels = (0..<height).reversed().flatMap { row in
      samples[row * width..<(row + 1) * width].flatMap { [$0, $0, $0] }
    }
    // BITMAPFILEHEADER, then BITMAPINFOHEADER: 40 bytes, the size, 1 plane, 24 bits.
    let head = Array("BM".utf8) + [54 + pixels.count, 0, 54].flatMap(bytes)
    let info = [40, width, height].flatMap(bytes) + [1, 0, 24, 0]
    return head + info + [UInt8](repeating: 0, count: 24) + pixels
  }

  /// Four bytes, the lowest first.
  private static func bytes(of value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
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

/// Inputs for stages of any role: ordinary ones, damaged files and odd rows.
enum SampleInputs {
  /// In file names and cells; no failure may repeat it.
  static let canary = "Jane-Canary-19800229"

  /// What every stage with that input has to accept; empty for unknown types.
  static func ordinary<Input>(_ type: Input.Type) throws -> [Input] {
    try values(type, images: [SampleImage.jpeg(), SampleImage.png()])
  }

  /// What a stage may refuse, but must survive.
  static func hostile<Input>(_ type: Input.Type) throws -> [Input] {
    let jpeg = try SampleImage.jpeg()
    let smallest = try SampleImage.jpeg(width: 16, height: 16)
    let strip = SampleImage.png(width: 4000, height: 16)
    // The header is whole, so the damage shows only when the pixels are decoded.
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

  /// Only its length is right; it is never decoded here.
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
