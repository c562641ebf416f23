import IntakeCore
import IntakeImaging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The bytes of a file in `Tests/Fixtures/images`.
func fixture(_ name: String) throws -> [UInt8] {
  let parts = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
  let path = "/\(parts)/Fixtures/images/\(name).jpg"
  guard let file = fopen(path, "rb") else { throw MissingFixture(name: name) }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 1 << 16)
  let count = fread(&bytes, 1, bytes.count, file)
  return Array(bytes.prefix(count))
}

/// Pages of this process that are in memory, 0 where the system does not tell.
func residentPages() -> Int {
  guard let file = fopen("/proc/self/statm", "rb") else { return 0 }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 128)
  let count = fread(&bytes, 1, bytes.count, file)
  let fields = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: " ")
  return fields.count > 1 ? Int(fields[1]) ?? 0 : 0
}

struct MissingFixture: Error {
  let name: String
}

/// A scan as the `decode` stage hands it on.
func scan(_ bytes: [UInt8], limits: ImageLimits = ImageLimits(), file: String = "scan") throws
  -> DocumentImage
{
  let header = try ImageHeader(reading: bytes, limits: limits)
  return DocumentImage(
    side: .front, file: file, header: header, bytes: bytes, codec: ImageCodec(limits: limits))
}

/// A JPEG of a picture, written by the encoder under test at a quality.
func jpeg(of bitmap: Bitmap, quality: Int = 90) throws -> [UInt8] {
  try bitmap.jpeg(quality: quality)
}

/// The failure that a piece of work ends with, nil when it succeeds.
func failure(of work: () throws -> Void) -> StageFailure? {
  do {
    try work()
    return nil
  } catch {
    return error as? StageFailure
  }
}

extension [UInt8] {
  /// The same JPEG with a segment right after its start.
  func inserting(segment marker: UInt8, _ payload: [UInt8]) -> [UInt8] {
    inserting(segment: marker, payload, at: 2)
  }

  /// The same JPEG with a segment at an offset.
  func inserting(segment marker: UInt8, _ payload: [UInt8], at offset: Int) -> [UInt8] {
    Array(self[..<offset]).segment(marker, payload) + self[offset...]
  }

  /// These bytes with a segment behind them.
  func segment(_ marker: UInt8, _ payload: [UInt8]) -> [UInt8] {
    let length = payload.count + 2
    return self + [0xFF, marker, UInt8(length >> 8), UInt8(length & 255)] + payload
  }

  /// Whether the bytes occur somewhere.
  func contains(sequence: [UInt8]) -> Bool {
    indices.contains { self[$0...].starts(with: sequence) }
  }

  /// The offset of the first marker of that code, looking at segments only.
  func offset(ofMarker marker: UInt8) -> Int? {
    var offset = 2
    while offset + 4 <= count {
      if self[offset + 1] == marker { return offset }
      offset += 2 + Int(self[offset + 2]) << 8 + Int(self[offset + 3])
    }
    return nil
  }

  /// An EXIF segment's content with an orientation.
  static func exif(orientation: UInt16, littleEndian: Bool = false) -> [UInt8] {
    let high = UInt8(orientation >> 8)
    let low = UInt8(orientation & 255)
    return Array("Exif\0\0".utf8) + tiff(high, low, littleEndian)
  }

  static func tiff(_ high: UInt8, _ low: UInt8, _ littleEndian: Bool = false) -> [UInt8] {
    littleEndian
      ? [
        0x49, 0x49, 0x2A, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, low, high, 0, 0, 0, 0, 0,
        0,
      ]
      : [
        0x4D, 0x4D, 0, 0x2A, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, high, low, 0, 0, 0, 0, 0,
        0,
      ]
  }
}
