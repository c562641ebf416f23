public import IntakeCore
import IntakeImaging

/// Makes a scan fit the budget: unchanged where possible, else fewer pixels, else lower quality.
public struct Shrink: ImagePreparer {
  private static let edge = StageOption<Int>.integer(
    "edge", in: 320...20_000, default: 2048, unit: "pixels",
    help: "longer side at most; a size down to 0.9 of it is taken where that saves time")
  private static let frontEdge = StageOption<Int?>.optionalInteger(
    "front-edge", in: 320...20_000, unit: "pixels", help: "longer side at most, front only")
  private static let backEdge = StageOption<Int?>.optionalInteger(
    "back-edge", in: 320...20_000, unit: "pixels",
    help: "longer side at most, back only; a barcode wants more pixels")
  private static let quality = StageOption<Int>.integer(
    "quality", in: 1...100, default: 85, unit: "IJG quality", help: "JPEG quality at most")
  private static let minimumQuality = StageOption<Int>.integer(
    "min-quality", in: 1...100, default: 40, unit: "IJG quality",
    help: "JPEG quality at least; below it pixels are given up instead")
  private static let maximumBytes = StageOption<Int>.integer(
    "max-bytes", in: 1_024...1_073_741_824, default: 500_000, unit: "bytes",
    help: "bytes at most, before base64")
  private static let backMaximumBytes = StageOption<Int?>.optionalInteger(
    "back-max-bytes", in: 1_024...1_073_741_824, unit: "bytes",
    help: "bytes at most, before base64, back only")
  private static let minimumEdge = StageOption<Int>.integer(
    "min-edge", in: 64...20_000, default: 1000, unit: "pixels",
    help: "longer side at least, unless scan or edge is smaller; below it the row fails")
  private static let keepProfile = StageOption<Bool>.flag(
    "keep-icc", default: true, help: "keep a colour profile of at most 4,096 bytes")

  /// Name, summary and options.
  public static let descriptor = StageDescriptor(
    name: "shrink", summary: "resize and recompress a scan so that it fits, and stays legible",
    options: [
      edge.descriptor, frontEdge.descriptor, backEdge.descriptor, quality.descriptor,
      minimumQuality.descriptor, maximumBytes.descriptor, backMaximumBytes.descriptor,
      minimumEdge.descriptor, keepProfile.descriptor,
    ],
    example: #"{"stage":"shrink","edge":2048,"max-bytes":400000}"#)

  private let front: ImageShrinker
  private let back: ImageShrinker

  /// Takes checked options; a floor above its ceiling is refused.
  public init(options: StageOptions) throws(OptionError) {
    guard options[Self.minimumQuality] <= options[Self.quality] else {
      throw OptionError(option: "min-quality", "min-quality must not be above quality")
    }
    var shrinker = ImageShrinker()
    shrinker.quality = options[Self.quality]
    shrinker.minimumQuality = options[Self.minimumQuality]
    shrinker.maximumBytes = options[Self.maximumBytes]
    shrinker.minimumEdge = options[Self.minimumEdge]
    shrinker.keepsProfile = options[Self.keepProfile]
    shrinker.edge = options[Self.frontEdge] ?? options[Self.edge]
    front = shrinker
    shrinker.edge = options[Self.backEdge] ?? options[Self.edge]
    shrinker.maximumBytes = options[Self.backMaximumBytes] ?? options[Self.maximumBytes]
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
    do {
      return try shrinker.prepare(image, budget: context.imageBudget)
    } catch let failure as StageFailure {
      throw failure.about(side: image.side, file: image.file)
    }
  }
}
