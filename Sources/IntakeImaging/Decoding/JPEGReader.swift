import CImaging
import IntakeCore

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
      let failure = Self.failure(status, reader)
      imaging_jpeg_close(reader)
      throw failure
    }
    self.reader = reader
  }

  deinit { imaging_jpeg_close(reader) }

  private func check(_ status: imaging_status) throws(StageFailure) {
    guard status == .IMAGING_OK else { throw Self.failure(status, reader) }
  }

  private static func failure(_ status: imaging_status, _ reader: OpaquePointer) -> StageFailure {
    var message = imaging_message()
    imaging_jpeg_message(reader, &message)
    return StageFailure(status, "JPEG", message)
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

  var samples: imaging_samples { imaging_jpeg_samples(reader) }
  var planeCount: Int { Int(imaging_jpeg_plane_count(reader)) }
  func plane(_ index: Int) -> imaging_plane { imaging_jpeg_plane(reader, Int32(index)) }
}
