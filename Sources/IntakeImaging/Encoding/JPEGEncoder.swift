import CImaging
public import IntakeCore

/// Encodes one picture at any quality.
struct JPEGEncoder {
  private let bitmap: Bitmap
  private let density: Int32
  private let profile: [UInt8]

  /// An eighth of each strip, at changing places, predicts the size within 2 to 3 %.
  private static let sampleParts = 8
  /// Pictures with a side below this are encoded whole in the time of a sample.
  private static let sampledSide = 512
  /// Bytes of the header, which a sample has in full.
  private static let headerBytes = 620.0

  /// Halves the chroma first, unless the bitmap is 4:2:0 or gray.
  init(_ bitmap: Bitmap, density: Double?, profile: [UInt8]?) {
    self.bitmap = bitmap.resized(to: bitmap.size)
    self.density = density.map { Int32($0.rounded()) } ?? 0
    self.profile = profile ?? []
  }

  /// No JPEG at quality 100 is larger than three bytes a pixel and its header.
  static func mostBytes(of size: PixelSize, profile: Int) -> Int {
    size.width * size.height * 3 + profile + 4096
  }

  /// The Huffman tables to encode with.
  enum Tables {
    /// Those of the standard, Annex K.
    case standard
    /// Made for this encode in an extra pass: 2.3 times the time, 2 to 7 % fewer bytes.
    case optimal
    /// Made for a sample at a nearby quality: nearly as good as optimal, at the speed of the standard ones.
    case sampled(imaging_huffman_tables)
  }

  /// Longer side in pixels.
  var edge: Int { bitmap.size.longerSide }

  /// The encoded picture, nil if it takes more than `capacity`, and its size in either case.
  func encode(quality: Int, tables: Tables, capacity: Int)
    throws(StageFailure) -> (bytes: [UInt8]?, size: Int)
  {
    let room = min(capacity, Self.mostBytes(of: bitmap.size, profile: profile.count))
    var bytes = [UInt8](repeating: 0, count: max(room, 0))
    let size = try write(quality: quality, tables: tables, parts: 1, into: &bytes).size
    guard size <= room else { return (nil, size) }
    bytes.removeLast(bytes.count - size)
    return (bytes, size)
  }

  /// The size predicted from a sample, and its tables; nil for pictures too small to sample.
  func sample(quality: Int) throws(StageFailure) -> (size: Int, tables: Tables)? {
    let size = bitmap.size
    guard min(size.width, size.height) >= Self.sampledSide else { return nil }
    var none: [UInt8] = []
    let (bytes, made) = try write(
      quality: quality, tables: .optimal, parts: Self.sampleParts, into: &none)
    let width = Int(imaging_sample_width(Int32(size.width), Int32(Self.sampleParts)))
    let share = Double(width * (size.height / 16 * 16)) / Double(size.width * size.height)
    let header = Self.headerBytes + Double(profile.count)
    // Its own tables fit the sample best; the whole picture takes half a percent more with them.
    return (Int(header + max(0, Double(bytes) - header) / share * 1.005), .sampled(made))
  }

  private func write(quality: Int, tables: Tables, parts: Int, into bytes: inout [UInt8])
    throws(StageFailure) -> (size: Int, made: imaging_huffman_tables)
  {
    var options = imaging_jpeg_options()
    options.quality = Int32(quality)
    options.sample_parts = Int32(parts)
    options.density = density
    switch tables {
    case .standard: break
    case .optimal: options.optimized = 1
    case .sampled(let sampled): options.tables = sampled
    }
    var size = 0
    var made = imaging_huffman_tables()
    let capacity = bytes.count
    let status = profile.withUnsafeBufferPointer { profile in
      options.profile = profile.baseAddress
      options.profile_size = profile.count
      return bitmap.withPicture { picture in
        imaging_jpeg_write(&picture, &options, &bytes, capacity, &size, &made)
      }
    }
    guard status == .IMAGING_OK else {
      throw StageFailure(status, "encoder", imaging_message())
    }
    return (size, made)
  }
}

extension Bitmap {
  fileprivate func withPicture<Result>(_ body: (inout imaging_picture) -> Result) -> Result {
    luma.samples.withUnsafeBufferPointer { luma in
      (chroma?.blue.samples ?? []).withUnsafeBufferPointer { blue in
        (chroma?.red.samples ?? []).withUnsafeBufferPointer { red in
          var picture = imaging_picture()
          picture.width = Int32(size.width)
          picture.height = Int32(size.height)
          picture.luma = luma.baseAddress
          if chroma != nil { (picture.blue, picture.red) = (blue.baseAddress, red.baseAddress) }
          return body(&picture)
        }
      }
    }
  }
}

extension Bitmap {
  /// The picture as a JPEG, 4:2:0 or gray, without metadata; `quality` is 1 to 100 on the IJG scale.
  ///
  /// - Throws: `StageFailure` when there is no memory for it.
  public func jpeg(quality: Int) throws(StageFailure) -> [UInt8] {
    let encoder = JPEGEncoder(self, density: nil, profile: nil)
    let quality = min(100, max(1, quality))
    let encoded = try encoder.encode(quality: quality, tables: .standard, capacity: .max)
    guard let bytes = encoded.bytes else {
      throw StageFailure(.internalError, "a JPEG of \(encoded.size) bytes is larger than foreseen")
    }
    return bytes
  }
}
