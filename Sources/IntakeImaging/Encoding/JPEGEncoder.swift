import CImaging
import IntakeCore

/// Encodes one picture at any quality; holds what every attempt has in common.
struct JPEGEncoder {
  private let bitmap: Bitmap
  private let density: Int32
  private let profile: [UInt8]

  /// Every 8th strip of 16 rows is enough to predict the size within 3 %.
  static let sampleStep = 8
  /// Fewer strips than this say too little about the whole.
  private static let fewestStrips = 6
  /// Bytes of a header without tables of its own, which a sample has in full.
  private static let headerBytes = 620.0

  /// Takes 4:2:0 or gray; other bitmaps get their chroma halved first.
  init(_ bitmap: Bitmap, density: Double?, profile: [UInt8]?) {
    self.bitmap = bitmap.resized(to: bitmap.size)
    self.density = density.map { Int32($0.rounded()) } ?? 0
    self.profile = profile ?? []
  }

  /// Longer side in pixels.
  var edge: Int { bitmap.size.longerSide }

  /// The encoded picture, nil when it takes more than `capacity`; the size is told in either case.
  func encode(quality: Int, optimized: Bool, capacity: Int)
    throws(StageFailure) -> (bytes: [UInt8]?, size: Int)
  {
    // No JPEG at quality 100 is larger than three bytes a pixel and its header.
    let room = min(capacity, bitmap.size.width * bitmap.size.height * 3 + profile.count + 4096)
    var bytes = [UInt8](repeating: 0, count: max(room, 0))
    let size = try write(quality: quality, optimized: optimized, step: 1, into: &bytes)
    guard size <= room else { return (nil, size) }
    bytes.removeLast(bytes.count - size)
    return (bytes, size)
  }

  /// The size predicted from every 8th strip; nil for pictures too low to be sampled.
  func sample(quality: Int) throws(StageFailure) -> Int? {
    let strips = bitmap.size.height / 16
    guard strips >= Self.fewestStrips * Self.sampleStep else { return nil }
    var none: [UInt8] = []
    let size = try write(
      quality: quality, optimized: true, step: Self.sampleStep, into: &none)
    let sampled = (strips - Self.sampleStep / 2 + Self.sampleStep - 1) / Self.sampleStep
    let scale = Double(bitmap.size.height) / Double(16 * sampled)
    let header = Self.headerBytes + Double(profile.count)
    return Int(header + max(0, Double(size) - header) * scale)
  }

  private func write(quality: Int, optimized: Bool, step: Int, into bytes: inout [UInt8])
    throws(StageFailure) -> Int
  {
    var size = 0
    let capacity = bytes.count
    let status = bitmap.withPicture { picture in
      profile.withUnsafeBufferPointer { profile in
        var picture = picture
        var options = imaging_jpeg_options(
          quality: Int32(quality), optimized: optimized ? 1 : 0, strip_step: Int32(step),
          density: density, profile: profile.baseAddress, profile_size: profile.count)
        return imaging_jpeg_write(&picture, &options, &bytes, capacity, &size)
      }
    }
    guard status == .IMAGING_OK else {
      throw StageFailure(status, "encoder", imaging_message())
    }
    return size
  }
}

extension Bitmap {
  fileprivate func withPicture<Result>(_ body: (imaging_picture) -> Result) -> Result {
    let size = self.size
    return luma.samples.withUnsafeBufferPointer { luma in
      (chroma?.blue.samples ?? []).withUnsafeBufferPointer { blue in
        (chroma?.red.samples ?? []).withUnsafeBufferPointer { red in
          body(
            imaging_picture(
              width: Int32(size.width), height: Int32(size.height), luma: luma.baseAddress,
              blue: chroma == nil ? nil : blue.baseAddress,
              red: chroma == nil ? nil : red.baseAddress))
        }
      }
    }
  }
}
