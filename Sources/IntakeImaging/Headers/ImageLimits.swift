import IntakeCore

/// What a scan may ask for before it is refused; everything is checked before a pixel is decoded.
public struct ImageLimits: Sendable, Hashable {
  /// Pixels of the whole picture; telephones take 8192 × 6144, an A4 page at 600 dpi has 35 million.
  public var maximumPixels = 60_000_000
  /// Pixels along either side.
  public var maximumSide = 20_000
  /// Pixels along the shorter side at least: below it there is nothing to read.
  public var minimumSide = 16
  /// Passes of a progressive JPEG; cameras write 6 to 10, each costs 10 ms on 12 million pixels.
  public var maximumScans = 64
  /// Markers of a JPEG; a photo with all its extras has about 60.
  public var maximumSegments = 2_000
  /// Chunks of a PNG; written in pieces of 8 KB, 100 MB take 13,000.
  public var maximumChunks = 100_000
  /// Bytes of a PNG once unpacked, before it is made smaller: an A4 page of 35 million pixels has 105 MB, and half a
  /// megabyte of zeros can unpack to 400 MB, which takes seconds.
  public var maximumUnpackedBytes = 256_000_000
  /// Bytes that the decoder may keep of a JPEG of several scans: with the file and the picture made of it, a row
  /// stays below 300 MB.
  public var maximumDecoderMemory = 224 << 20

  /// The limits that `decode` starts with.
  public init() {}
}

extension ImageLimits {
  /// Refuses a size that is too large or too small.
  func check(_ size: PixelSize) throws(StageFailure) {
    let words = "\(size.width) × \(size.height) pixels"
    guard size.longerSide <= maximumSide else {
      throw StageFailure(
        .imageTooLarge, "the picture has \(words); a side may have \(maximumSide)")
    }
    guard size.width * size.height <= maximumPixels else {
      throw StageFailure(
        .imageTooLarge, "the picture has \(words); \(maximumPixels) are allowed in all")
    }
    guard min(size.width, size.height) >= minimumSide else {
      throw StageFailure(
        .imageTooSmall, "the picture has \(words); each side needs at least \(minimumSide)")
    }
  }

  /// Refuses a PNG that unpacks to more than is allowed; who raises the pixels gets the bytes of RGBA with them.
  func checkUnpacked(_ size: PixelSize, bitsPerPixel: Int) throws(StageFailure) {
    let bytes = size.width * size.height * bitsPerPixel / 8
    let limit = max(maximumUnpackedBytes, 4 * maximumPixels)
    guard bytes > limit else { return }
    throw StageFailure(
      .imageTooLarge, "the PNG unpacks to \(bytes) bytes; \(limit) are allowed",
      hint: "save it with 8 bits per component, or raise decode.max-pixels")
  }

  /// Refuses a JPEG of several scans whose coefficients would not fit into the memory set aside for them.
  func checkMemory(of frame: JPEGStructure.Frame) throws(StageFailure) {
    guard frame.decoderBytes > maximumDecoderMemory else { return }
    throw StageFailure(
      .imageTooLarge,
      "the JPEG of several scans needs \(frame.decoderBytes) bytes to decode; "
        + "\(maximumDecoderMemory) are allowed")
  }
}
