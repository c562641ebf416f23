import IntakeCore

/// Work on a scan's bytes that goes through libjpeg, libpng and zlib; it runs here or in a process that owns nothing.
struct ScanJob {
  /// What is wanted.
  enum Work: Equatable {
    /// A way through every code, of which nothing is kept.
    case verify
    /// The upright picture, its longer side at most `edge` pixels.
    case pixels(edge: Int?)
    /// The best encoding that fits.
    case fit(ShrinkSearch)
  }

  let work: Work
  let bytes: [UInt8]
  /// What this process has read from the bytes; nil in a decoder that only goes through their codes.
  let header: ImageHeader?
  let limits: ImageLimits

  init(_ work: Work, on bytes: [UInt8], _ header: ImageHeader?, _ limits: ImageLimits) {
    self.work = work
    self.bytes = bytes
    self.header = header
    self.limits = limits
  }

  /// The longer side that is decoded to, in pixels; nil for the whole.
  var edge: Int? {
    switch work {
    case .verify: return 1
    case .pixels(let edge): return edge
    case .fit(let search): return search.edge
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
    case .fit(let search):
      guard let header else { throw ScanJob.wrongResult }
      let picture = try upright(search.edge, header)
      return .fitted(try search.run(picture, of: header, whole: header.uprightSize))
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

  /// The failure for a result of another kind than was asked for, which no code here gives.
  static let wrongResult = StageFailure(.internalError, "decoding gave what was not asked for")
}

/// What a job gives.
enum ScanResult {
  /// Every block of the file is there; so many of its bytes belong to none.
  case whole(strayBytes: Int)
  /// The picture, upright.
  case pixels(Bitmap)
  /// An encoding that fits.
  case fitted(ShrinkSearch.Found)
}

// MARK: To a decoder

extension ScanJob {
  /// The job in numbers and blocks; the header stays behind, because the other side reads its own.
  var frame: DecoderFrame {
    var numbers = [
      limits.maximumPixels, limits.maximumSide, limits.minimumSide, limits.maximumScans,
      limits.maximumSegments, limits.maximumChunks, limits.maximumUnpackedBytes,
      limits.maximumDecoderMemory,
    ]
    switch work {
    case .verify: numbers += [0]
    case .pixels(let edge): numbers += [1, edge ?? -1]
    case .fit(let search):
      numbers += [
        2, search.edge, search.quality.lowerBound, search.quality.upperBound, search.minimumEdge,
        search.minimumSide, search.budget, search.keepsProfile ? 1 : 0,
      ]
    }
    return DecoderFrame(numbers: numbers, blocks: [bytes])
  }

  /// What a frame asks for; nil when it isn't one of this version's.
  ///
  /// - Throws: what the header's walk finds.
  init?(_ frame: DecoderFrame) throws(StageFailure) {
    guard frame.numbers.count >= 9, frame.blocks.count == 1 else { return nil }
    let numbers = frame.numbers
    var limits = ImageLimits()
    limits.maximumPixels = numbers[0]
    limits.maximumSide = numbers[1]
    limits.minimumSide = numbers[2]
    limits.maximumScans = numbers[3]
    limits.maximumSegments = numbers[4]
    limits.maximumChunks = numbers[5]
    limits.maximumUnpackedBytes = numbers[6]
    limits.maximumDecoderMemory = numbers[7]
    guard let work = Work(numbers[8...]) else { return nil }
    let bytes = frame.blocks[0]
    // Reading it took 3 % of the CPU of a row whose scans fit, and those who go through the codes need nothing of it.
    let header = work == .verify ? nil : try ImageHeader(reading: bytes, limits: limits)
    self.init(work, on: bytes, header, limits)
  }
}

extension ScanJob.Work {
  fileprivate init?(_ numbers: ArraySlice<Int>) {
    let rest = Array(numbers.dropFirst())
    switch (numbers.first, rest.count) {
    case (0, 0): self = .verify
    case (1, 1): self = .pixels(edge: rest[0] < 0 ? nil : rest[0])
    case (2, 7) where rest[1] <= rest[2]:
      self = .fit(
        ShrinkSearch(
          edge: rest[0], quality: rest[1]...rest[2], minimumEdge: rest[3], minimumSide: rest[4],
          budget: rest[5], keepsProfile: rest[6] != 0))
    default: return nil
    }
  }
}
