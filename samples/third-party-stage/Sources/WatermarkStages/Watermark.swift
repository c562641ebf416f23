public import IntakeCore

/// Draws fine diagonal lines over a scan, so that a copy that leaks can be told from the original.
public struct Watermark: ImageStage {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option("from one line to the next", in: 8...1_000, unit: "pixels") var spacing = 64
    @Option("how much darker the lines are", in: 1...100, unit: "percent") var strength = 15

    /// Every option with its default.
    public init() {}
  }

  /// `watermark`.
  public static let name = "watermark"
  /// What it does.
  public static let summary = "draw fine diagonal lines over the scan"
  /// An entry that works.
  public static let example = #"{"stage":"watermark","spacing":64,"strength":15}"#

  private let spacing: Int
  private let strength: Int

  /// Takes checked options.
  public init(options: Options) {
    // Read once: the loop below looks at them for every line of pixels.
    spacing = options.spacing
    strength = options.strength
  }

  /// Decodes the scan at its full size and darkens the luma along the lines; colour stays as it is.
  public func run(_ image: consuming DocumentImage, in context: StageContext) throws
    -> DocumentImage
  {
    let image = image
    let bitmap = try image.pixels()
    return image.replacing(pixels: Bitmap(luma: marked(bitmap.luma), chroma: bitmap.chroma))
  }

  private func marked(_ plane: Plane) -> Plane {
    var samples = plane.samples
    for y in 0..<plane.height {
      // The first pixel of the row that lies on a line x + y = n * spacing.
      let first = (spacing - y % spacing) % spacing
      for x in stride(from: first, to: plane.width, by: spacing) {
        let place = y * plane.width + x
        samples[place] = UInt8(Int(samples[place]) * (100 - strength) / 100)
      }
    }
    return Plane(width: plane.width, height: plane.height, samples: samples)
  }
}
