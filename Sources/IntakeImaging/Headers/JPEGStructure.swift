import IntakeCore

/// The markers of a JPEG (ITU-T T.81, annex B), walked to the end before a decoder sees the file.
struct JPEGStructure {
  /// A marker and its content.
  struct Segment {
    let marker: UInt8
    /// What follows the length field.
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
    /// The names of the components.
    let names: [UInt8]

    /// Bytes that a decoder keeps of a picture in several scans: 2 for each coefficient, and a band of rows.
    var decoderBytes: Int {
      Int(2 * Double(size.width * size.height) * samplesPerPixel) + 64 * size.width * components
    }
  }

  private(set) var segments: [Segment] = []
  private(set) var frame: Frame?
  private(set) var scanCount = 0
  private var completeness = Completeness()
  /// The offset behind the end marker, or the end of the file if there is none.
  private(set) var end = 0
  /// Whether the end marker is missing; only decoding shows whether part of the picture is, too.
  private(set) var lacksEnd = false
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
      if offset == bytes.count {
        (end, lacksEnd) = (offset, true)
        break
      }
      guard segments.count <= limits.maximumSegments else {
        throw StageFailure(
          .imageTooLarge, "the JPEG has more than \(limits.maximumSegments) markers")
      }
    }
    guard scanCount > 0, let frame else {
      throw StageFailure(.damagedImage, "the JPEG ends before its picture begins")
    }
    try completeness.check(isProgressive: frame.marker == 0xC2)
    // Either alone may be the writer's habit; both together mean that the file was cut.
    guard !lacksEnd || !isCoarse else { throw endsEarly }
  }

  /// Whether the last bits of some coefficients never come.
  var isCoarse: Bool { frame?.marker == 0xC2 && completeness.isCoarse }

  private var endsEarly: StageFailure {
    StageFailure(
      .damagedImage, "the JPEG ends early, after \(bytes.count) bytes",
      hint: StageFailure.copyAgain)
  }

  /// The offset of the next marker's last 0xFF; stray bytes are harmless only before the picture.
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
    throw endsEarly
  }

  private func requireNoScan(at offset: Int) throws(StageFailure) {
    guard scanCount == 0 else {
      throw StageFailure(.damagedImage, "the JPEG has stray bytes at offset \(offset)")
    }
  }

  /// Adds a segment and returns the offset behind it.
  private mutating func addSegment(_ marker: UInt8, at start: Int, limits: ImageLimits)
    throws(StageFailure) -> Int
  {
    guard marker != 0xD8 else {
      throw StageFailure(
        .damagedImage, "the JPEG begins twice, at offset \(start)", hint: StageFailure.saveAgain)
    }
    let window = ByteWindow(bytes)
    guard let length = window.number(at: start + 2, width: 2) else {
      throw endsEarly
    }
    // Some programs write a length of 0 for an empty comment, leaving out the length itself.
    let isComment = marker == 0xFE || (0xE0...0xEF).contains(marker)
    guard length >= 2 || isComment else {
      throw StageFailure(
        .damagedImage, "the JPEG has a marker without content at offset \(start)",
        hint: StageFailure.saveAgain)
    }
    var next = start + 2 + max(2, length)
    guard next <= bytes.count else { throw endsEarly }
    let payload = (start + 4)..<next
    switch marker {
    case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
      try readFrame(marker, payload, limits: limits)
    case 0xDA:
      try countScan(of: Int(window[payload.lowerBound] ?? 0), limits: limits)
      completeness.add(ByteWindow(bytes, payload), frame: frame)
      next = EntropyCodedData.end(in: bytes, from: next)
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
    try Self.requireSupported(marker, depth: Int(depth), components: Int(components))
    guard height > 0 else {
      throw StageFailure(.unsupportedVariant, "the JPEG leaves its height open")
    }
    let size = PixelSize(width: width, height: height)
    try limits.check(size)
    frame = Frame(
      marker: marker, size: size, components: Int(components),
      samplesPerPixel: try Self.samplesPerPixel(in: window, components: Int(components)),
      lumaTable: window[8] ?? 0, names: (0..<Int(components)).map { window[6 + 3 * $0] ?? 0 })
  }

  /// Refuses everything but baseline, extended and progressive with Huffman codes and 8 bits.
  private static func requireSupported(_ marker: UInt8, depth: Int, components: Int)
    throws(StageFailure)
  {
    let problem: String
    switch marker {
    case 0xC3: problem = "is lossless"
    case 0xC9...0xCB, 0xCD...0xCF: problem = "is arithmetic-coded"
    case 0xC5...0xC7: problem = "is hierarchical"
    case _ where depth != 8: problem = "has \(depth) bits per component, not 8"
    case _ where ![1, 3, 4].contains(components):
      problem = "has \(components) components, not 1, 3 or 4"
    default: return
    }
    throw StageFailure(.unsupportedVariant, "the JPEG \(problem)")
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
    // A single component fills the frame, whatever its factors.
    return components == 1 ? 1 : Double(samples) / Double(widest * highest)
  }
}

/// Which coefficients of each component the scans bring, and how exactly: decoders don't tell when some are missing.
private struct Completeness {
  /// The lowest bit that is known of each of the 64 coefficients; nil for none at all.
  private var lowestBits: [UInt8: [UInt8?]] = [:]

  /// Notes a scan by its header.
  mutating func add(_ header: ByteWindow, frame: JPEGStructure.Frame?) {
    guard let frame, let count = header[0] else { return }
    for name in frame.names where lowestBits[name] == nil {
      lowestBits[name] = [UInt8?](repeating: nil, count: 64)
    }
    let parameters = 1 + 2 * Int(count)
    // A sequential scan brings all coefficients, whatever its header says.
    var (range, bit) = (0...63, UInt8(0))
    if frame.marker == 0xC2 {
      guard let first = header[parameters], let last = header[parameters + 1],
        let bits = header[parameters + 2], first <= last, last < 64
      else { return }
      (range, bit) = (Int(first)...Int(last), bits & 15)
    }
    for index in 0..<Int(count) {
      guard let name = header[1 + 2 * index] else { return }
      for place in range { lowestBits[name]?[place] = bit }
    }
  }

  /// Refuses a picture of which a part is missing.
  func check(isProgressive: Bool) throws(StageFailure) {
    let missing = lowestBits.values.count { $0[0] == nil }
    guard missing == 0 else {
      throw StageFailure(
        .damagedImage,
        "the JPEG announces \(lowestBits.count) components, and \(missing) of them never come",
        hint: StageFailure.copyAgain)
    }
    guard !isProgressive || lowestBits.values.allSatisfy({ !$0.contains(nil) }) else {
      throw StageFailure(
        .damagedImage, "the JPEG ends before its details, which come in later scans",
        hint: StageFailure.copyAgain)
    }
  }

  var isCoarse: Bool { lowestBits.values.contains { $0.contains { $0 ?? 0 > 0 } } }
}

extension StageFailure {
  /// For files of a sloppy program: scanning again would give the same.
  static let saveAgain = "open it with an image program and save it as a JPEG or PNG again"
  /// For files whose end is missing.
  static let copyAgain = "copy the file once more from where it came, or scan the document again"
}

/// The compressed data of a scan, which has no length field.
enum EntropyCodedData {
  /// The offset of the first marker from `start` on, or the end of the file.
  static func end(in bytes: [UInt8], from start: Int) -> Int {
    bytes.withUnsafeBytes { next(in: $0, from: start, where: isMarker) }
  }

  /// The data without what a decoder skips after the last block: restart markers and padding.
  ///
  /// There is at least a byte between two restarts, so where two adjoin the picture has ended.
  static func trimmed(_ data: Range<Int>, in bytes: [UInt8]) -> Range<Int> {
    bytes.withUnsafeBytes { file in
      let file = UnsafeRawBufferPointer(rebasing: file[..<data.upperBound])
      var end = data.upperBound
      var offset = data.lowerBound
      while offset < end {
        let restart = next(in: file, from: offset, where: isRestart)
        offset = restart + 2
        while offset < end, file[offset] == 0xFF { offset += 1 }
        guard offset < end else {
          end = min(end, restart)
          break
        }
        if offset > restart + 2, isRestart(file[offset]) { end = restart }
      }
      while end > data.lowerBound, file[end - 1] == 0xFF { end -= 1 }
      return data.lowerBound..<end
    }
  }

  /// The first 0xFF that is followed by a wanted byte, or the end of the data.
  ///
  /// Eight bytes a step: most of a photo is this data, and 0xFF is rare in it.
  private static func next(
    in data: UnsafeRawBufferPointer, from start: Int, where isWanted: (UInt8) -> Bool
  ) -> Int {
    var offset = start
    while offset + 1 < data.count {
      if offset + 8 < data.count {
        let word = ~data.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        let hasMarker = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
        if hasMarker == 0 {
          offset += 8
          continue
        }
        offset += UInt64(littleEndian: hasMarker).trailingZeroBitCount / 8
      }
      if data[offset] == 0xFF, isWanted(data[offset + 1]) { return offset }
      offset += 1
    }
    return data.count
  }

  /// 0x00 stands for a byte 0xFF of the data, 0xFF is padding, and restarts belong to the data.
  private static func isMarker(_ code: UInt8) -> Bool {
    code != 0 && code != 0xFF && !isRestart(code)
  }

  private static func isRestart(_ code: UInt8) -> Bool { (0xD0...0xD7).contains(code) }
}
