import CImaging
import IntakeCore

/// Decodes a JPEG band by band into a picture that is resized on the way.
enum JPEGDecoding {
  /// The picture as stored, its longer side at most `edge`.
  static func picture(_ bytes: [UInt8], header: ImageHeader, edge: Int?, limits: ImageLimits)
    throws(StageFailure) -> DecodedPicture
  {
    try whole(bytes, header).withUnsafeBufferPointer { bytes throws(StageFailure) in
      let plan = DecodePlan(header, edge: edge)
      let reader = try JPEGReader(bytes, limits: limits)
      try reader.start(eighths: plan.eighths)
      let bitmap =
        reader.samples == .IMAGING_PLANES
        ? try planes(reader, plan) : try interleaved(reader, plan)
      return DecodedPicture(
        bitmap: bitmap, profile: header.colorProfile,
        oddities: Oddities(strayBytes: reader.strayBytes))
    }
  }

  /// The file with its end marker: libjpeg refuses one that comes too early, but only warns of one that is missing.
  private static func whole(_ bytes: [UInt8], _ header: ImageHeader) -> [UInt8] {
    header.lacksEnd ? bytes + [0xFF, 0xD9] : bytes
  }

  /// Refuses a file that is damaged, and counts the bytes that belong to no block and no marker.
  ///
  /// For nearly every file a walk over its codes is enough, in 0.4 of the time that decoding takes.
  static func verify(_ bytes: [UInt8], limits: ImageLimits) throws(StageFailure) -> Int {
    isSound(bytes, limits: limits) ? 0 : try strayBytes(in: bytes, limits: limits)
  }

  /// Whether the decoder would certainly accept the file without skipping a byte.
  static func isSound(_ bytes: [UInt8], limits: ImageLimits) -> Bool {
    bytes.withUnsafeBufferPointer { bytes in
      bytes.baseAddress.map { imaging_jpeg_is_sound($0, bytes.count, limits.forDecoder) } == 1
    }
  }

  /// Decodes every coefficient at the smallest size, and counts the bytes that belong to no block and no marker.
  static func strayBytes(in bytes: [UInt8], limits: ImageLimits) throws(StageFailure) -> Int {
    try bytes.withUnsafeBufferPointer { bytes throws(StageFailure) in
      let reader = try JPEGReader(bytes, limits: limits)
      try reader.start(eighths: 1)
      try reader.decode { _ in }
      return reader.strayBytes
    }
  }

  private static func planes(_ reader: borrowing JPEGReader, _ plan: DecodePlan)
    throws(StageFailure) -> Bitmap
  {
    let chroma = reader.plane(1)
    let size = PixelSize(width: Int(chroma.width), height: Int(chroma.height))
    var builder = PictureBuilder(plan, chroma: chroma.rows == nil ? nil : size)
    try reader.decode { band in
      reader.plane(0).forEachRow(ofBand: band) { builder.pushLuma($0) }
      reader.plane(1).forEachRow(ofBand: band) { builder.pushBlue($0) }
      reader.plane(2).forEachRow(ofBand: band) { builder.pushRed($0) }
    }
    return builder.finish()
  }

  private static func interleaved(_ reader: borrowing JPEGReader, _ plan: DecodePlan)
    throws(StageFailure) -> Bitmap
  {
    var builder = PictureBuilder(plan, chroma: plan.decoded)
    var splitter = RowSplitter(RowSplitter.Kind(reader.samples), size: plan.decoded)
    try reader.decode { band in
      reader.plane(0).forEachRow(ofBand: band) { splitter.push($0, into: &builder) }
    }
    return builder.finish()
  }
}

extension imaging_plane {
  /// The rows of the current band that belong to the picture.
  fileprivate func forEachRow(ofBand band: Int, _ body: (UnsafePointer<UInt8>) -> Void) {
    guard let rows else { return }
    let left = Int(height) - band * Int(band_rows)
    for row in 0..<max(0, min(left, Int(band_rows))) { body(rows + row * Int(stride)) }
  }
}

/// Owns the C reader and checks every call.
struct JPEGReader: ~Copyable {
  private let reader: OpaquePointer

  /// Reads the header; the bytes must outlive the reader.
  init(_ bytes: UnsafeBufferPointer<UInt8>, limits: ImageLimits) throws(StageFailure) {
    var status = imaging_status.IMAGING_NO_MEMORY
    guard let base = bytes.baseAddress,
      let reader = imaging_jpeg_open(base, bytes.count, limits.forDecoder, &status)
    else { throw StageFailure(.IMAGING_NO_MEMORY, "JPEG", imaging_message()) }
    guard status == .IMAGING_OK else {
      defer { imaging_jpeg_close(reader) }
      throw StageFailure(status, "JPEG", imaging_jpeg_message(reader))
    }
    self.reader = reader
  }

  deinit { imaging_jpeg_close(reader) }

  private func check(_ status: imaging_status) throws(StageFailure) {
    guard status == .IMAGING_OK else {
      throw StageFailure(status, "JPEG", imaging_jpeg_message(reader))
    }
  }

  /// Starts decoding at 1, 2, 4 or 8 eighths of the size.
  func start(eighths: Int) throws(StageFailure) {
    try check(imaging_jpeg_start(reader, Int32(eighths)))
  }

  /// Decodes the picture band by band, and reads to its end.
  func decode(_ take: (_ band: Int) -> Void) throws(StageFailure) {
    var more: Int32 = 1
    var band = 0
    while more != 0 {
      try check(imaging_jpeg_read_band(reader, &more))
      take(band)
      band += 1
    }
    try check(imaging_jpeg_finish(reader))
  }

  /// Bytes skipped so far.
  var strayBytes: Int { imaging_jpeg_strays(reader) }
  var samples: imaging_samples { imaging_jpeg_samples(reader) }
  func plane(_ index: Int) -> imaging_plane { imaging_jpeg_plane(reader, Int32(index)) }
}
