public import IntakeCore

/// Stops scans that every receiver turns down, before anybody pays for them.
///
/// It looks at a copy of at most 1,024 pixels, which costs another decode: 30 to 45 ms of CPU for a phone photo.
public struct Gate: ImageStage {
  /// `gate`.
  public static let name = "gate"
  /// What it does.
  public static let summary = "refuse scans that are blank, blurred, badly lit, or sent twice"
  /// An entry that works.
  public static let example = #"{"stage":"gate","blur":"warn","same-picture":"off"}"#

  /// A quarter of a 12-megapixel photo, so that the decoder's cheap scale is used; at half of it print and
  /// blur look alike, and it would cost the same.
  private static let edge = 1_024

  private let options: GateOptions
  private let rows = LatestRows()
  private let pictures: SeenPictures

  /// Refuses a dark level that isn't below the bright one.
  public init(options: GateOptions) throws(OptionError) {
    guard options.darkLevel < options.brightLevel else {
      throw OptionError(option: "dark-level", "dark-level must be below bright-level")
    }
    self.options = options
    pictures = SeenPictures(capacity: options.remembered)
  }

  /// Looks at the scan and hands it on unchanged.
  public func run(_ input: consuming DocumentImage, in context: StageContext) throws
    -> DocumentImage
  {
    let image = input
    guard options.blank.isOn || options.blur.isOn || options.exposure.isOn || comparesPictures
    else { return image }
    let luma = try image.pixels(fitting: Self.edge).luma
    try judge(luma, in: context)
    if comparesPictures { try compare(luma, side: image.side, in: context) }
    return image
  }

  private var comparesPictures: Bool { options.sameSides.isOn || options.samePicture.isOn }

  /// The first finding is reported because it explains the later ones: in the dark a page looks blank, a blank page
  /// is bright all over, and neither has sharp edges.
  private func judge(_ luma: Plane, in context: StageContext) throws(StageFailure) {
    let light = options.exposure.isOn ? Exposure(luma) : nil
    if let finding = light?.darkness(options) {
      return try options.exposure.report(
        "exposure", finding, "take the picture again in more light", context)
    }
    let detail = options.blank.isOn || options.blur.isOn ? PictureDetail(luma) : nil
    if options.blank.isOn, let finding = detail?.blankness(options) {
      return try options.blank.report(
        "blank", finding, "look whether the right page was scanned", context)
    }
    if let finding = light?.brightness(options) {
      return try options.exposure.report(
        "exposure", finding, "take the picture again with less light", context)
    }
    if options.blur.isOn, let finding = detail?.softness(options) {
      try options.blur.report("blur", finding, "take the picture again with a steady hand", context)
    }
  }

  private func compare(_ luma: Plane, side: Side, in context: StageContext) throws(StageFailure) {
    let place = PicturePlace(line: context.row.line, side: side)
    let digest = PictureDigest(luma)
    if options.sameSides.isOn,
      let distance = rows.distance(of: PicturePrint(luma), digest, at: place),
      distance <= options.sameBits
    {
      try options.sameSides.report(
        "same-sides",
        "front and back are the same picture: \(distance) of 256 bits of their fingerprints differ, "
          + "\(options.sameBits) or fewer is the same", "scan the missing side", context)
    }
    if options.samePicture.isOn, let twin = pictures.twin(of: digest, at: place) {
      try options.samePicture.report(
        "same-picture",
        "the picture is, pixel for pixel, the \(twin.side) in line \(twin.line)",
        "put each customer's own scan into the row; of two rows of this run that have it, the later is refused",
        context)
    }
  }
}
