import CImaging
import IntakeCore

/// Decodes a PNG row by row into a picture that is resized on the way; only an interlaced one is held whole.
enum PNGDecoding {
  /// Rows a call: enough to make the call's own cost vanish, few enough to stay in the cache.
  private static let rowsPerCall = 16

  /// The picture as stored, its longer side at most `edge`.
  static func bitmap(_ bytes: [UInt8], edge: Int?, limits: ImageLimits)
    throws(StageFailure) -> Bitmap
  {
    let structure = try PNGStructure(bytes, limits: limits)
    let ranges = structure.picture.map { imaging_range(offset: $0.lowerBound, count: $0.count) }
    return try bytes.withUnsafeBufferPointer { buffer throws(StageFailure) in
      try ranges.withUnsafeBufferPointer { ranges throws(StageFailure) in
        let reader = try PNGReader(buffer, ranges, limits: limits)
        let kind = kind(of: structure, channels: Int(reader.layout.channels), bytes: bytes)
        var plan = DecodePlan(exact: structure.header.size, edge: edge)
        plan.orientation = structure.header.orientation
        return try read(reader, plan, kind)
      }
    }
  }

  private static func kind(of structure: PNGStructure, channels: Int, bytes: [UInt8])
    -> RowSplitter.Kind
  {
    switch channels {
    case 2: return .grayAlpha
    case 3: return .rgb
    case 4: return .rgba
    default: break
    }
    guard let palette = structure.palette else { return .gray }
    return .palette(
      PaletteTables(
        palette: bytes[palette], transparency: structure.transparency.map { bytes[$0] } ?? []))
  }

  private static func read(
    _ reader: borrowing PNGReader, _ plan: DecodePlan, _ kind: RowSplitter.Kind
  ) throws(StageFailure) -> Bitmap {
    let size = plan.decoded
    let layout = reader.layout
    let step = layout.interlaced != 0 ? size.height : min(rowsPerCall, size.height)
    let rows = RowBuffer<UInt8>(width: size.width * Int(layout.channels), rows: step)
    var builder = PictureBuilder(plan, chroma: kind.isGray ? nil : size)
    let splitter = RowSplitter(kind, width: size.width)
    var first = 0
    while first < size.height {
      let count = min(step, size.height - first)
      try reader.read(rows: count, into: rows)
      for row in 0..<count { splitter.push(UnsafePointer(rows.row(row)), into: &builder) }
      first += count
    }
    try reader.finish()
    return builder.finish()
  }
}

/// The C reader with its memory: every call is checked, and it is closed whatever happens.
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

  var layout: imaging_png_layout { imaging_png_get_layout(reader) }

  func read(rows: Int, into buffer: borrowing RowBuffer<UInt8>) throws(StageFailure) {
    try check(imaging_png_read_rows(reader, buffer.samples, buffer.stride, Int32(rows)))
  }

  func finish() throws(StageFailure) { try check(imaging_png_finish(reader)) }
}
