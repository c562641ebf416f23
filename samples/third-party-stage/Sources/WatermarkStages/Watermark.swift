public import IntakeCore

/// Draws fine diagonal lines over a scan, so that a copy that leaks can be told from the original.
public struct Watermark: ImageStage {
  private static let spacing = StageOption<Int>.integer(
    "spacing", in: 8...1_000, default: 64, unit: "pixels", help: "from one line to the next")
  private static let strength = StageOption<Int>.integer(
    "strength", in: 1...100, default: 15, unit: "percent", help: "how much darker the lines are")

  /// Name, summary and options.
  public static let descriptor = StageDescriptor(
    name: "watermark", summary: "draw fine diagonal lines over the scan",
    options: [spacing.descriptor, strength.descriptor],
    example: #"{"stage":"watermark","spacing":64,"strength":15}"#)

  private let spacing: Int
  private let strength: Int

  /// Takes checked options.
  public init(options: StageOptions) {
    spacing = options[Self.spacing]
    strength = options[Self.strength]
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
