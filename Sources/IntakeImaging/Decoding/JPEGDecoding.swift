import CImaging
import IntakeCore

/// Decodes a JPEG band by band into a picture that is resized on the way.
enum JPEGDecoding {
  /// The picture as stored, its longer side at most `edge`.
  static func picture(_ bytes: [UInt8], header: ImageHeader, edge: Int?, limits: ImageLimits)
    throws(StageFailure) -> DecodedPicture
  {
    try whole(bytes, header).withUnsafeBufferPointer { bytes throws(StageFailure) in
      var plan = DecodePlan(jpeg: header.size, edge: edge)
      plan.orientation = header.orientation
      let reader = try JPEGReader(bytes, limits: limits)
      try reader.start(eighths: plan.eighths)
      let bitmap =
        reader.samples == .IMAGING_PLANES
        ? try planes(reader, plan) : try interleaved(reader, plan)
      try reader.finish()
      return DecodedPicture(
        bitmap: bitmap, profile: header.colorProfile,
        oddities: Oddities(strayBytes: reader.strayBytes))
    }
  }

  /// With its end marker: a decoder that finds it too early says so, at the end of the file it only warns.
  private static func whole(_ bytes: [UInt8], _ header: ImageHeader) -> [UInt8] {
    header.lacksEnd ? bytes + [0xFF, 0xD9] : bytes
  }

  /// Whether the file is whole, and how many bytes of it belong to nothing.
  ///
  /// A walk over the codes says so of nearly every file in 0.4 of a decoder's time, and leaves the rest to the decoder.
  static func verify(_ bytes: [UInt8], limits: ImageLimits) throws(StageFailure) -> Int {
    isSound(bytes, limits: limits) ? 0 : try strayBytes(in: bytes, limits: limits)
  }

  /// Whether it is certain that the decoder would neither refuse the file nor pass over a byte of it.
  static func isSound(_ bytes: [UInt8], limits: ImageLimits) -> Bool {
    bytes.withUnsafeBufferPointer { bytes in
      bytes.baseAddress.map { imaging_jpeg_is_sound($0, bytes.count, limits.forDecoder) } == 1
    }
  }

  /// Decodes every coefficient at the smallest size and keeps nothing: the bytes that belong to no block and no marker.
  static func strayBytes(in bytes: [UInt8], limits: ImageLimits) throws(StageFailure) -> Int {
    try bytes.withUnsafeBufferPointer { bytes throws(StageFailure) in
      let reader = try JPEGReader(bytes, limits: limits)
      try reader.start(eighths: 1)
      while try reader.readBand() {}
      try reader.finish()
      return reader.strayBytes
    }
  }

  private static func planes(_ reader: borrowing JPEGReader, _ plan: DecodePlan)
    throws(StageFailure) -> Bitmap
  {
    let isGray = reader.planeCount == 1
    let chroma = reader.plane(1)
    let size = PixelSize(width: Int(chroma.width), height: Int(chroma.height))
    var builder = PictureBuilder(plan, chroma: isGray ? nil : size)
    var more = true
    var band = 0
    while more {
      more = try reader.readBand()
      reader.plane(0).forEachRow(ofBand: band) { builder.pushLuma($0) }
      reader.plane(1).forEachRow(ofBand: band) { builder.pushBlue($0) }
      reader.plane(2).forEachRow(ofBand: band) { builder.pushRed($0) }
      band += 1
    }
    return builder.finish()
  }

  private static func interleaved(_ reader: borrowing JPEGReader, _ plan: DecodePlan)
    throws(StageFailure) -> Bitmap
  {
    var builder = PictureBuilder(plan, chroma: plan.decoded)
    var splitter = RowSplitter(RowSplitter.Kind(reader.samples), width: plan.decoded.width)
    var more = true
    var band = 0
    while more {
      more = try reader.readBand()
      reader.plane(0).forEachRow(ofBand: band) { splitter.push($0, into: &builder) }
      band += 1
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

/// The C reader with its memory: every call is checked, and it is closed whatever happens.
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

  /// Decodes the next band; false when it was the last.
  func readBand() throws(StageFailure) -> Bool {
    var more: Int32 = 0
    try check(imaging_jpeg_read_band(reader, &more))
    return more != 0
  }

  /// Reads to the end of the picture.
  func finish() throws(StageFailure) { try check(imaging_jpeg_finish(reader)) }

  /// Bytes passed over so far.
  var strayBytes: Int { imaging_jpeg_strays(reader) }
  var samples: imaging_samples { imaging_jpeg_samples(reader) }
  var planeCount: Int { Int(imaging_jpeg_plane_count(reader)) }
  func plane(_ index: Int) -> imaging_plane { imaging_jpeg_plane(reader, Int32(index)) }
}
