import IntakeCore

/// A message between this process and a decoder: numbers and blocks of bytes.
///
/// On the socket: the count of numbers and of blocks, the numbers, the size of each block, the blocks. A number has 8
/// bytes in this machine's order, because both ends are the same program.
struct DecoderFrame {
  var numbers: [Int] = []
  var blocks: [[UInt8]] = []

  /// The most that a message may bring, so that nobody can make this process allocate without bound.
  struct Bounds {
    var numbers: Int
    var blocks: Int
    /// Bytes of one block.
    var blockBytes: Int
  }

  /// Sends the message.
  func write<Failure>(_ send: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
    let head = [numbers.count, blocks.count] + numbers + blocks.map(\.count)
    try Self.lend(head, send)
    for block in blocks { try Self.lend(block, send) }
  }

  /// Receives a message; nil if it announces more than the bounds allow.
  static func read<Failure>(
    _ bounds: Bounds, _ receive: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) -> DecoderFrame? {
    let counts: [Int] = try filled(2, receive)
    guard (0...bounds.numbers).contains(counts[0]), (0...bounds.blocks).contains(counts[1]) else {
      return nil
    }
    let numbers: [Int] = try filled(counts[0], receive)
    let sizes: [Int] = try filled(counts[1], receive)
    guard sizes.allSatisfy((0...bounds.blockBytes).contains) else { return nil }
    var blocks: [[UInt8]] = []
    for size in sizes { blocks.append(try filled(size, receive)) }
    return DecoderFrame(numbers: numbers, blocks: blocks)
  }

  private static func filled<Element: BitwiseCopyable, Failure>(
    _ count: Int,
    _ receive: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) -> [Element] {
    var failure: Failure?
    // Not zeroed first: for 3 MB that would be a third of the cost of the socket.
    let values = [Element](unsafeUninitializedCapacity: count) { room, initialized in
      do throws(Failure) {
        try receive(
          UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(room)[..<(count * MemoryLayout<Element>.stride)]
          ))
        initialized = count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return values
  }

  private static func lend<Element: BitwiseCopyable, Failure>(
    _ values: [Element], _ send: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    try values.withUnsafeBufferPointer { (values) throws(Failure) in
      try send(UnsafeRawBufferPointer(values))
    }
  }
}

/// The answers of decoders.
///
/// A decoder that was taken over can answer anything, so each number is compared with what this process has read from
/// the file or asked for.
enum DecoderAnswer {
  /// The answer in numbers and blocks.
  static func frame(_ result: ScanResult) -> DecoderFrame {
    switch result {
    case .whole(let strayBytes):
      return DecoderFrame(numbers: [Kind.whole.rawValue, strayBytes], blocks: [])
    case .pixels(let bitmap):
      let planes = [bitmap.luma, bitmap.chroma?.blue, bitmap.chroma?.red].compactMap(\.self)
      return DecoderFrame(numbers: [Kind.pixels.rawValue], blocks: planes.map(\.samples))
    case .fitted(let found):
      let attempts = found.attempts.suffix(mostAttempts).flatMap {
        [$0.edge, $0.quality, $0.bytes, $0.isSample ? 1 : 0]
      }
      return DecoderFrame(
        numbers: [
          Kind.fitted.rawValue, found.quality, found.size.width, found.size.height,
          found.gaveUpPixels ? 1 : 0, found.oddities.strayBytes,
          found.oddities.visibility.rawValue, found.oddities.droppedProfile ?? -1,
        ] + attempts, blocks: [found.bytes])
    }
  }

  /// A failure in blocks: its code, detail and hint.
  static func frame(_ failure: StageFailure) -> DecoderFrame {
    DecoderFrame(
      numbers: [Kind.failure.rawValue],
      blocks: [failure.code.rawValue, failure.detail, failure.hint].map {
        Array($0.utf8.prefix(mostText))
      })
  }

  private enum Kind: Int { case whole, pixels, fitted, failure }

  /// Attempts that are reported; a search takes 5 for each of at most a dozen sizes.
  private static let mostAttempts = 64
  private static let mostText = 1024

  /// The most that an answer to a job may bring.
  static func bounds(for job: ScanJob) -> DecoderFrame.Bounds {
    let largest: Int
    switch job.work {
    case .verify: largest = 0
    case .pixels: largest = job.uprightOutput.map { $0.width * $0.height } ?? 0
    case .fit(let shrinker): largest = min(shrinker.maximumBytes, job.mostEncoded)
    }
    return DecoderFrame.Bounds(
      numbers: 8 + 4 * mostAttempts, blocks: 3, blockBytes: max(mostText, largest))
  }

  /// The result in an answer, or what the decoder says is wrong with the picture; nil when it can't be one to this job.
  static func result(_ frame: DecoderFrame, to job: ScanJob) -> Result<ScanResult, StageFailure>? {
    switch (frame.numbers.first.flatMap(Kind.init), job.work) {
    case (.whole, .verify) where frame.numbers.count == 2:
      .success(.whole(strayBytes: frame.numbers[1]))
    case (.pixels, .pixels):
      job.uprightOutput.flatMap { bitmap(frame.blocks, $0) }.map { .success(.pixels($0)) }
    case (.fitted, .fit(let shrinker)):
      found(frame, shrinker, job).map { .success(.fitted($0)) }
    case (.failure, _): failure(frame.blocks).map { .failure($0) }
    default: nil
    }
  }

  private static func bitmap(_ planes: [[UInt8]], _ size: PixelSize) -> Bitmap? {
    guard planes.first?.count == size.width * size.height else { return nil }
    let luma = Plane(width: size.width, height: size.height, samples: planes[0])
    let half = size.halved
    switch planes.count {
    case 1: return Bitmap(luma: luma)
    case 3 where planes[1...].allSatisfy { $0.count == half.width * half.height }:
      let (blue, red) = (planes[1], planes[2])
      return Bitmap(
        luma: luma,
        chroma: Bitmap.Chroma(
          blue: Plane(width: half.width, height: half.height, samples: blue),
          red: Plane(width: half.width, height: half.height, samples: red)))
    default: return nil
    }
  }

  private static func found(_ frame: DecoderFrame, _ shrinker: ImageShrinker, _ job: ScanJob)
    -> ImageShrinker.Found?
  {
    let numbers = frame.numbers
    guard frame.blocks.count == 1, numbers.count >= 8, numbers.count % 4 == 0,
      frame.blocks[0].count <= shrinker.maximumBytes, (1...100).contains(numbers[1]),
      let visibility = Oddities.Visibility(rawValue: numbers[6])
    else { return nil }
    guard let whole = job.header?.uprightSize, (1...whole.width).contains(numbers[2]),
      (1...whole.height).contains(numbers[3])
    else { return nil }
    let size = PixelSize(width: numbers[2], height: numbers[3])
    guard size.longerSide <= shrinker.edge, isPlainJPEG(frame.blocks[0], size) else { return nil }
    let attempts = stride(from: 8, to: numbers.count, by: 4).map {
      ShrinkReport.Attempt(
        edge: numbers[$0], quality: numbers[$0 + 1], bytes: numbers[$0 + 2],
        isSample: numbers[$0 + 3] != 0)
    }
    return ImageShrinker.Found(
      bytes: frame.blocks[0], quality: numbers[1], size: size, gaveUpPixels: numbers[4] != 0,
      attempts: attempts,
      oddities: Oddities(
        strayBytes: numbers[5], visibility: visibility,
        droppedProfile: numbers[7] < 0 ? nil : numbers[7]))
  }

  /// Whether bytes are a JPEG of that size with nothing but what the encoder writes.
  private static func isPlainJPEG(_ bytes: [UInt8], _ size: PixelSize) -> Bool {
    guard let structure = try? JPEGStructure(bytes, limits: ImageLimits.encoded),
      let frame = structure.frame, frame.size == size, structure.end == bytes.count
    else { return false }
    let written: Set<UInt8> = [0xE0, 0xE2, 0xDB, 0xC0, 0xC4, 0xDA]
    return structure.segments.allSatisfy { written.contains($0.marker) }
  }

  private static func failure(_ blocks: [[UInt8]]) -> StageFailure? {
    guard blocks.count == 3 else { return nil }
    let texts = blocks.map { Sanitizer.clean(String(decoding: $0, as: UTF8.self), limit: 400) }
    guard let code = FailureCode.named(texts[0]), aboutPictures.contains(code) else { return nil }
    // It ran out of what this process had granted, so a machine with more memory wouldn't help.
    guard code != .outOfMemory else { return StageFailure(.decoderMemory, texts[1]) }
    return StageFailure(code, texts[1], hint: texts[2])
  }

  /// What decoding may find; none of it stops a run or leaves a row in doubt.
  private static let aboutPictures: Set<FailureCode> = [
    .notAnImage, .unsupportedFormat, .unsupportedVariant, .damagedImage, .imageTooLarge,
    .imageTooSmall, .cannotFit, .outOfMemory, .internalError,
  ]
}

extension ScanJob {
  /// The size of the picture once it is decoded and turned.
  fileprivate var uprightOutput: PixelSize? {
    header.map { DecodePlan($0, edge: edge).output.turned(by: $0.orientation) }
  }

  /// The most bytes that an encoding of the picture can have.
  fileprivate var mostEncoded: Int {
    uprightOutput.map { JPEGEncoder.mostBytes(of: $0, profile: ICCProfile.limit) } ?? 0
  }
}

extension ImageLimits {
  /// The limits of what the encoder writes; its size in pixels is checked separately.
  fileprivate static var encoded: ImageLimits {
    var limits = ImageLimits()
    limits.minimumSide = 1
    limits.maximumPixels = .max
    limits.maximumSide = 65_500
    return limits
  }
}
