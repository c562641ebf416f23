public import IntakeCore
import IntakeImaging

/// Reads a scan, tells its format by content, and checks its header before any pixel is decoded.
public struct Decode: ImageDecoder {
  private static let maximumBytes = StageOption<Int>.integer(
    "max-bytes", in: 1_024...1_073_741_824, default: 33_554_432, unit: "bytes",
    help: "largest file that is read")
  private static let maximumPixels = StageOption<Int>.integer(
    "max-pixels", in: 10_000...400_000_000, default: 50_000_000, unit: "pixels",
    help: "most pixels a scan may have in all")
  private static let maximumSide = StageOption<Int>.integer(
    "max-side", in: 320...65_500, default: 20_000, unit: "pixels",
    help: "most pixels along either side")
  private static let minimumSide = StageOption<Int>.integer(
    "min-side", in: 1...10_000, default: 16, unit: "pixels",
    help: "fewest pixels along the shorter side")
  private static let maximumScans = StageOption<Int>.integer(
    "max-scans", in: 1...1_000, default: 64, unit: "scans",
    help: "most scans of a progressive JPEG")

  /// Name, summary and options.
  public static let descriptor = StageDescriptor(
    name: "decode", summary: "read a scan, recognise it by content and check its header",
    options: [
      maximumBytes.descriptor, maximumPixels.descriptor, maximumSide.descriptor,
      minimumSide.descriptor, maximumScans.descriptor,
    ],
    example: #"{"stage":"decode","max-pixels":50000000}"#)

  private let fileLimit: Int
  private let codec: ImageCodec

  /// Takes checked options.
  public init(options: StageOptions) {
    fileLimit = options[Self.maximumBytes]
    var limits = ImageLimits()
    limits.maximumPixels = options[Self.maximumPixels]
    limits.maximumSide = options[Self.maximumSide]
    limits.minimumSide = options[Self.minimumSide]
    limits.maximumScans = options[Self.maximumScans]
    codec = ImageCodec(limits: limits)
  }

  /// Reads the file and walks its markers or chunks.
  public func run(_ input: consuming ImageFile, in context: StageContext) throws -> DocumentImage {
    let file = input
    do {
      let bytes = try file.read(atMost: fileLimit)
      let header = try ImageHeader(reading: bytes, limits: codec.limits)
      return DocumentImage(
        side: file.side, file: file.path, header: header, bytes: bytes, codec: codec)
    } catch let failure as StageFailure {
      throw failure.about(side: file.side, file: file.path)
    }
  }
}
