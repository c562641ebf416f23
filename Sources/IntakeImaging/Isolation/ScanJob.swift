import IntakeCore

/// Work of libjpeg, libpng and zlib on a scan; it runs here or in a process that owns nothing.
struct ScanJob {
  /// What is wanted.
  enum Work: Equatable {
    /// Whether the file is whole; no pixels are kept.
    case verify
    /// The upright picture, its longer side at most `edge` pixels.
    case pixels(edge: Int?)
    /// The best encoding that fits.
    case fit(ImageShrinker)
  }

  let work: Work
  let bytes: [UInt8]
  /// The header of the file; nil in a decoder that only verifies.
  let header: ImageHeader?
  let limits: ImageLimits

  /// The longer side that is decoded to, in pixels; nil for the whole.
  var edge: Int? {
    switch work {
    case .verify: return 1
    case .pixels(let edge): return edge
    case .fit(let shrinker): return shrinker.edge
    }
  }

  /// Does the work in this process.
  func run() throws(StageFailure) -> ScanResult {
    switch work {
    case .verify:
      return .whole(strayBytes: try JPEGDecoding.verify(bytes, limits: limits))
    case .pixels(let edge):
      guard let header else { throw ScanJob.wrongResult }
      return .pixels(try upright(edge, header).bitmap)
    case .fit(let shrinker):
      guard let header else { throw ScanJob.wrongResult }
      let picture = try upright(shrinker.edge, header)
      return .fitted(try shrinker.search(picture, of: header, whole: header.uprightSize))
    }
  }

  private func upright(_ edge: Int?, _ header: ImageHeader) throws(StageFailure) -> DecodedPicture {
    var picture =
      switch header.format {
      case .jpeg: try JPEGDecoding.picture(bytes, header: header, edge: edge, limits: limits)
      case .png: try PNGDecoding.picture(bytes, edge: edge, limits: limits)
      }
    picture.bitmap = picture.bitmap.turned(by: header.orientation)
    return picture
  }

  /// For a result of another kind than was asked for, which can't happen.
  static let wrongResult = StageFailure(.internalError, "decoding gave what was not asked for")
}

/// What a job gives.
enum ScanResult {
  /// Every block of the file is there; so many bytes belong to none.
  case whole(strayBytes: Int)
  /// The picture, upright.
  case pixels(Bitmap)
  /// An encoding that fits.
  case fitted(ImageShrinker.Found)
}

// MARK: To a decoder

extension ScanJob {
  /// The job in numbers and blocks, without the header, which the other side reads itself.
  var frame: DecoderFrame {
    var numbers = Self.limitFields.map { limits[keyPath: $0] }
    switch work {
    case .verify: numbers += [0]
    case .pixels(let edge): numbers += [1, edge ?? -1]
    case .fit(let shrinker):
      numbers += [2, shrinker.keepsProfile ? 1 : 0]
      numbers += Self.shrinkerFields.map { shrinker[keyPath: $0] }
    }
    return DecoderFrame(numbers: numbers, blocks: [bytes])
  }

  /// The fields of limits and shrinkers that go to a decoder.
  private static let limitFields: [any WritableKeyPath<ImageLimits, Int> & Sendable] = [
    \.maximumPixels, \.maximumSide, \.minimumSide, \.maximumScans, \.maximumSegments,
    \.maximumChunks, \.maximumUnpackedBytes, \.maximumDecoderMemory,
  ]
  fileprivate static let shrinkerFields: [any WritableKeyPath<ImageShrinker, Int> & Sendable] = [
    \.edge, \.quality, \.minimumQuality, \.minimumEdge, \.minimumSide, \.maximumBytes,
  ]

  /// The job in a frame; nil if it isn't one.
  ///
  /// - Throws: what is wrong with the header.
  init?(_ frame: DecoderFrame) throws(StageFailure) {
    let count = Self.limitFields.count
    guard frame.numbers.count > count, frame.blocks.count == 1,
      let work = Work(frame.numbers[count...])
    else { return nil }
    var limits = ImageLimits()
    for (field, number) in zip(Self.limitFields, frame.numbers) { limits[keyPath: field] = number }
    let bytes = frame.blocks[0]
    // Verifying needs no header, and reading it took 3 % of the CPU of a row whose scans fit.
    let header = work == .verify ? nil : try ImageHeader(reading: bytes, limits: limits)
    self.init(work: work, bytes: bytes, header: header, limits: limits)
  }
}

extension ScanJob.Work {
  fileprivate init?(_ numbers: ArraySlice<Int>) {
    let rest = Array(numbers.dropFirst())
    switch (numbers.first, rest.count) {
    case (0, 0): self = .verify
    case (1, 1): self = .pixels(edge: rest[0] < 0 ? nil : rest[0])
    case (2, ScanJob.shrinkerFields.count + 1):
      var shrinker = ImageShrinker()
      shrinker.keepsProfile = rest[0] != 0
      for (field, number) in zip(ScanJob.shrinkerFields, rest[1...]) {
        shrinker[keyPath: field] = number
      }
      self = .fit(shrinker)
    default: return nil
    }
  }
}
