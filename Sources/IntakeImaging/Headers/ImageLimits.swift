/// What a scan may ask for before it is refused; everything is checked before a pixel is decoded.
public struct ImageLimits: Sendable, Hashable {
  /// Pixels of the whole picture; 50 million is an A4 page at 600 dpi with room to spare.
  public var maximumPixels = 50_000_000
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
