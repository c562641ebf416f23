public import IntakeCore
import IntakeImaging

/// Reads a scan, recognises its format by content and checks its header before any pixel is decoded.
public struct Decode: ImageDecoder {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option("largest file that is read", in: 1_024...1_073_741_824, unit: "bytes")
    var maxBytes = 33_554_432
    @Option("most pixels a scan may have in all", in: 10_000...400_000_000, unit: "pixels")
    var maxPixels = 60_000_000
    @Option("most pixels along either side", in: 320...65_500, unit: "pixels")
    var maxSide = 20_000
    @Option("fewest pixels along the shorter side", in: 1...10_000, unit: "pixels")
    var minSide = 16
    @Option("most scans of a progressive JPEG", in: 1...1_000, unit: "scans") var maxScans = 64

    /// Every option with its default.
    public init() {}
  }

  /// `decode`.
  public static let name = "decode"
  /// What it does.
  public static let summary = "read a scan, recognise it by content and check its header"
  /// An entry that works.
  public static let example = #"{"stage":"decode","max-pixels":60000000}"#

  private let options: Options
  private let codec: ImageCodec

  /// Takes checked options.
  public init(options: Options) {
    self.options = options
    var limits = ImageLimits()
    limits.maximumPixels = options.maxPixels
    limits.maximumSide = options.maxSide
    limits.minimumSide = options.minSide
    limits.maximumScans = options.maxScans
    codec = ImageCodec(limits: limits)
  }

  /// Reads the file and walks its markers or chunks.
  public func run(_ input: consuming ImageFile, in context: StageContext) throws -> DocumentImage {
    let file = input
    do {
      let bytes = try file.read(atMost: options.maxBytes)
      let header = try ImageHeader(reading: bytes, limits: codec.limits)
      guard file.page == 1 || file.original != nil else {
        throw StageFailure(
          .invalidValue,
          "page \(file.page) is meant, and a \(header.format.rawValue.uppercased()) has one picture",
          hint: "name the scan of this side")
      }
      return DocumentImage(
        side: file.side, file: file.path, header: header, bytes: bytes, codec: codec)
    } catch let failure as StageFailure {
      throw failure.about(side: file.side, file: file.path)
    }
  }
}
