import CImaging
import IntakeCore

/// Decodes a PNG row by row into a picture that is resized on the way; only an interlaced one is held whole.
enum PNGDecoding {
  /// Rows a call: enough to make the cost of a call negligible, few enough to stay in the cache.
  private static let rowsPerCall = 16

  /// The picture as stored, its longer side at most `edge`.
  static func picture(_ bytes: [UInt8], edge: Int?, limits: ImageLimits)
    throws(StageFailure) -> DecodedPicture
  {
    let picture = try picture(bytes, edge: edge, limits: limits, isOpaque: false)
    guard picture.oddities.visibility == .nothing else { return picture }
    // Some programs leave the alpha channel empty; a white page helps nobody.
    return try Self.picture(bytes, edge: edge, limits: limits, isOpaque: true)
  }

  private static func picture(
    _ bytes: [UInt8], edge: Int?, limits: ImageLimits, isOpaque: Bool
  ) throws(StageFailure) -> DecodedPicture {
    let structure = try PNGStructure(bytes, limits: limits)
    let ranges = structure.picture.map { imaging_range(offset: $0.lowerBound, count: $0.count) }
    return try bytes.withUnsafeBufferPointer { buffer throws(StageFailure) in
      try ranges.withUnsafeBufferPointer { ranges throws(StageFailure) in
        let reader = try PNGReader(buffer, ranges, limits: limits)
        let kind = kind(
          of: structure, channels: Int(reader.layout.channels), bytes: bytes, isOpaque: isOpaque)
        var picture = try read(reader, DecodePlan(structure.header, edge: edge), kind)
        if isOpaque { picture.oddities.visibility = .nothing }
        guard structure.header.packedProfile != nil else { return picture }
        let profile = reader.profile
        let isFit = (try? ICCProfile.check(profile, components: structure.header.components)) != nil
        if isFit { picture.profile = profile }
        picture.oddities.droppedProfile = isFit ? nil : profile.count
        return picture
      }
    }
  }

  private static func kind(
    of structure: PNGStructure, channels: Int, bytes: [UInt8], isOpaque: Bool
  ) -> RowSplitter.Kind {
    switch channels {
    case 2: return .grayAlpha(isOpaque: isOpaque)
    case 3: return .rgb
    case 4: return .rgba(isOpaque: isOpaque)
    default: break
    }
    guard let palette = structure.palette else { return .gray }
    let transparency = isOpaque ? nil : structure.transparency
    return .palette(
      PaletteTables(palette: bytes[palette], transparency: transparency.map { bytes[$0] } ?? []))
  }

  private static func read(
    _ reader: borrowing PNGReader, _ plan: DecodePlan, _ kind: RowSplitter.Kind
  ) throws(StageFailure) -> DecodedPicture {
    let size = plan.decoded
    let layout = reader.layout
    let step = layout.interlaced != 0 ? size.height : min(rowsPerCall, size.height)
    let rows = RowBuffer<UInt8>(width: size.width * Int(layout.channels), rows: step)
    var builder = PictureBuilder(plan, chroma: kind.isGray ? nil : size)
    var splitter = RowSplitter(kind, size: size)
    var first = 0
    while first < size.height {
      let count = min(step, size.height - first)
      try reader.read(rows: count, into: rows)
      for row in 0..<count { splitter.push(UnsafePointer(rows.row(row)), into: &builder) }
      first += count
    }
    try reader.finish()
    return DecodedPicture(
      bitmap: builder.finish(), oddities: Oddities(visibility: splitter.visibility))
  }
}

/// Owns the C reader and checks every call.
struct PNGReader: ~Copyable {
  private let reader: OpaquePointer

  /// Reads the header; bytes and ranges must outlive the reader.
  init(
    _ bytes: UnsafeBufferPointer<UInt8>, _ ranges: UnsafeBufferPointer<imaging_range>,
    limits: ImageLimits
  ) throws(StageFailure) {
    var status = imaging_status.IMAGING_NO_MEMORY
    guard let base = bytes.baseAddress, let list = ranges.baseAddress,
      let reader = imaging_png_open(base, list, ranges.count, limits.forDecoder, &status)
    else { throw StageFailure(.IMAGING_NO_MEMORY, "PNG", imaging_message()) }
    guard status == .IMAGING_OK else {
      defer { imaging_png_close(reader) }
      throw StageFailure(status, "PNG", imaging_png_message(reader))
    }
    self.reader = reader
  }

  deinit { imaging_png_close(reader) }

  private func check(_ status: imaging_status) throws(StageFailure) {
    guard status == .IMAGING_OK else {
      throw StageFailure(status, "PNG", imaging_png_message(reader))
    }
  }

  /// The colour profile, unpacked; empty if there is none, or only part of one.
  var profile: [UInt8] {
    var count = 0
    guard let bytes = imaging_png_profile(reader, &count) else { return [] }
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }

  var layout: imaging_png_layout { imaging_png_get_layout(reader) }

  func read(rows: Int, into buffer: borrowing RowBuffer<UInt8>) throws(StageFailure) {
    try check(imaging_png_read_rows(reader, buffer.samples, buffer.stride, Int32(rows)))
  }

  func finish() throws(StageFailure) { try check(imaging_png_finish(reader)) }
}
