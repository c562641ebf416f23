public import IntakeCore
import IntakeImaging

/// Makes a scan fit the budget: unchanged where possible, else fewer pixels, else lower quality.
public struct Shrink: ImagePreparer {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option(
      "longer side at most; a size down to 0.9 of it is taken where that saves time",
      in: 320...20_000, unit: "pixels")
    var edge = 2048
    @Option("longer side at most, front only", in: 320...20_000, unit: "pixels")
    var frontEdge: Int? = nil
    @Option(
      "longer side at most, back only; a barcode wants more pixels", in: 320...20_000,
      unit: "pixels")
    var backEdge: Int? = nil
    @Option("JPEG quality at most", in: 1...100, unit: "IJG quality") var quality = 85
    @Option(
      "JPEG quality at least; below it pixels are given up instead", in: 1...100,
      unit: "IJG quality")
    var minQuality = 40
    @Option("bytes at most, before base64", in: 1_024...1_073_741_824, unit: "bytes")
    var maxBytes = 500_000
    @Option("bytes at most, before base64, back only", in: 1_024...1_073_741_824, unit: "bytes")
    var backMaxBytes: Int? = nil
    @Option(
      "longer side at least, unless scan or edge is smaller; below it the row fails",
      in: 64...20_000, unit: "pixels")
    var minEdge = 1000
    @Option("keep a colour profile that takes at most 1/25 of the bytes, and 65,519")
    var keepICC = true

    /// Every option with its default.
    public init() {}
  }

  /// `shrink`.
  public static let name = "shrink"
  /// What it does.
  public static let summary = "resize and recompress a scan so that it fits, and stays legible"
  /// An entry that works.
  public static let example = #"{"stage":"shrink","edge":2048,"max-bytes":400000}"#

  private let front: ImageShrinker
  private let back: ImageShrinker

  /// Refuses a floor above its ceiling.
  public init(options: Options) throws(OptionError) {
    guard options.minQuality <= options.quality else {
      throw OptionError(option: "min-quality", "min-quality must not be above quality")
    }
    var shrinker = ImageShrinker()
    shrinker.quality = options.quality
    shrinker.minimumQuality = options.minQuality
    shrinker.maximumBytes = options.maxBytes
    shrinker.minimumEdge = options.minEdge
    shrinker.keepsProfile = options.keepICC
    shrinker.edge = options.frontEdge ?? options.edge
    front = shrinker
    shrinker.edge = options.backEdge ?? options.edge
    shrinker.maximumBytes = options.backMaxBytes ?? options.maxBytes
    back = shrinker
  }

  /// The longer side it asks pixels for.
  public func edge(for side: Side) -> Int? { (side == .front ? front : back).edge }

  /// Shrinks within the option's bytes and the room the request leaves, whichever is less.
  public func run(_ input: consuming DocumentImage, in context: StageContext) throws
    -> PreparedImage
  {
    let image = input
    let shrinker = image.side == .front ? front : back
    return try shrinker.prepare(image, budget: context.imageBudget)
  }
}
