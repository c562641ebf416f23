import IntakeCore

/// The markers of a JPEG (ITU-T T.81, annex B), walked from end to end before any decoder sees the file.
struct JPEGStructure {
  /// A marker with what belongs to it.
  struct Segment {
    let marker: UInt8
    /// What follows the length field, or nothing.
    let payload: Range<Int>
    /// From the marker's 0xFF to the next marker; a scan includes its entropy-coded data.
    var extent: Range<Int>
  }

  /// What the frame header says.
  struct Frame {
    let marker: UInt8
    let size: PixelSize
    let components: Int
    /// Coded samples per pixel, from the sampling factors.
    let samplesPerPixel: Double
    /// The number of the first component's quantisation table.
    let lumaTable: UInt8

    /// Bytes that a decoder keeps when a picture comes in several scans: 2 for each coefficient, and a band of rows.
    var decoderBytes: Int {
      Int(2 * Double(size.width * size.height) * samplesPerPixel) + 64 * size.width * components
    }
  }

  private(set) var segments: [Segment] = []
  private(set) var frame: Frame?
  private(set) var scanCount = 0
  /// Just after the end marker.
  private(set) var end = 0
  let bytes: [UInt8]

  /// Walks the file.
  ///
  /// - Throws: `StageFailure` for a file that is broken, ends early, or goes beyond the limits.
  init(_ bytes: [UInt8], limits: ImageLimits) throws(StageFailure) {
    self.bytes = bytes
    var offset = 2
    while true {
      let start = try nextMarker(from: offset)
      let marker = bytes[start + 1]
      if marker == 0xD9 {
        end = start + 2
        break
      }
      offset = try addSegment(marker, at: start, limits: limits)
      guard segments.count <= limits.maximumSegments else {
        throw StageFailure(
          .imageTooLarge, "the JPEG has more than \(limits.maximumSegments) markers")
      }
    }
    guard scanCount > 0 else {
      throw StageFailure(.damagedImage, "the JPEG ends before its picture begins")
    }
  }

  private static func endsEarly(at offset: Int) -> StageFailure {
    StageFailure(.damagedImage, "the JPEG ends early, after \(offset) bytes")
  }

  /// The offset of the next marker's last 0xFF; stray bytes are only harmless before the picture.
  private func nextMarker(from offset: Int) throws(StageFailure) -> Int {
    var place = offset
    while place + 1 < bytes.count {
      if bytes[place] == 0xFF {
        switch bytes[place + 1] {
        case 0xFF: break
        case 0x00, 0x01, 0xD0...0xD7: try requireNoScan(at: place)
        default: return place
        }
      } else {
        try requireNoScan(at: place)
      }
      place += 1
    }
    throw Self.endsEarly(at: bytes.count)
  }

  private func requireNoScan(at offset: Int) throws(StageFailure) {
    guard scanCount == 0 else {
      throw StageFailure(.damagedImage, "the JPEG has stray bytes at offset \(offset)")
    }
  }

  /// Notes a segment and returns the offset behind it.
  private mutating func addSegment(_ marker: UInt8, at start: Int, limits: ImageLimits)
    throws(StageFailure) -> Int
  {
    guard marker != 0xD8 else {
      throw StageFailure(.damagedImage, "the JPEG begins twice, at offset \(start)")
    }
    let window = ByteWindow(bytes)
    guard let length = window.number(at: start + 2, width: 2) else {
      throw Self.endsEarly(at: bytes.count)
    }
    guard length >= 2 else {
      throw StageFailure(.damagedImage, "the JPEG has a marker without content at offset \(start)")
    }
    var next = start + 2 + length
    guard next <= bytes.count else { throw Self.endsEarly(at: bytes.count) }
    let payload = (start + 4)..<next
    switch marker {
    case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
      try readFrame(marker, payload, limits: limits)
    case 0xDA:
      try countScan(of: Int(window[payload.lowerBound] ?? 0), limits: limits)
      next = EntropyCodedData.end(in: bytes, from: next)
      guard next < bytes.count else { throw Self.endsEarly(at: bytes.count) }
    default: break
    }
    segments.append(Segment(marker: marker, payload: payload, extent: start..<next))
    return next
  }

  private mutating func countScan(of components: Int, limits: ImageLimits) throws(StageFailure) {
    guard let frame else {
      throw StageFailure(.damagedImage, "the JPEG has a picture without a frame header")
    }
    scanCount += 1
    guard scanCount <= limits.maximumScans else {
      throw StageFailure(.imageTooLarge, "the JPEG has more than \(limits.maximumScans) scans")
    }
    guard frame.marker == 0xC2 || scanCount > 1 || components < frame.components else { return }
    try limits.checkMemory(of: frame)
  }

  private mutating func readFrame(_ marker: UInt8, _ payload: Range<Int>, limits: ImageLimits)
    throws(StageFailure)
  {
    guard frame == nil else { throw StageFailure(.damagedImage, "the JPEG has two frame headers") }
    let window = ByteWindow(bytes, payload)
    guard let depth = window[0], let height = window.number(at: 1, width: 2),
      let width = window.number(at: 3, width: 2), let components = window[5]
    else { throw StageFailure(.damagedImage, "the JPEG's frame header is cut short") }
    try JPEGVariant.require(marker: marker, depth: Int(depth), components: Int(components))
    guard height > 0 else {
      throw StageFailure(.unsupportedVariant, "the JPEG leaves its height open")
    }
    let size = PixelSize(width: width, height: height)
    try limits.check(size)
    frame = Frame(
      marker: marker, size: size, components: Int(components),
      samplesPerPixel: try Self.samplesPerPixel(in: window, components: Int(components)),
      lumaTable: window[8] ?? 0)
  }

  /// Relates the sampling factors of all components to the finest.
  private static func samplesPerPixel(in frame: ByteWindow, components: Int)
    throws(StageFailure) -> Double
  {
    var samples = 0
    var (widest, highest) = (1, 1)
    for index in 0..<components {
      guard let factors = frame[7 + 3 * index], (1...4).contains(factors >> 4),
        (1...4).contains(factors & 15)
      else { throw StageFailure(.damagedImage, "the JPEG's sampling factors are broken") }
      samples += Int(factors >> 4) * Int(factors & 15)
      widest = max(widest, Int(factors >> 4))
      highest = max(highest, Int(factors & 15))
    }
    // A single component fills the frame whatever its factors say.
    return components == 1 ? 1 : Double(samples) / Double(widest * highest)
  }
}
