public import IntakeCore

/// Stops scans that every receiver turns down, before anybody pays for them.
///
/// It looks at a copy of at most 1,024 pixels, which costs another decode: 30 to 45 ms of CPU for a phone photo.
public struct Gate: ImageStage {
  /// Name, summary and options.
  public static let descriptor = StageDescriptor(
    name: "gate", summary: "refuse scans that are blank, blurred, badly lit, or sent twice",
    options: [
      GateOptions.blank.descriptor, GateOptions.blankShare.descriptor,
      GateOptions.blur.descriptor, GateOptions.blurWidth.descriptor,
      GateOptions.exposure.descriptor, GateOptions.darkLevel.descriptor,
      GateOptions.brightLevel.descriptor, GateOptions.sameSides.descriptor,
      GateOptions.samePicture.descriptor, GateOptions.sameBits.descriptor,
      GateOptions.remembered.descriptor,
    ],
    example: #"{"stage":"gate","blur":"warn","same-picture":"off"}"#)

  /// A quarter of a 12-megapixel photo, so that the decoder's cheap scale is used; at half of it print and
  /// blur look alike, and it would cost the same.
  private static let edge = 1_024

  private let blank: GateCheck
  private let blur: GateCheck
  private let exposure: GateCheck
  private let sameSides: GateCheck
  private let samePicture: GateCheck
  private let limits: GateLimits
  private let rows = LatestRows()
  private let pictures: SeenPictures

  /// Takes checked options; a dark level above the bright one is refused.
  public init(options: StageOptions) throws(OptionError) {
    limits = GateLimits(options)
    guard limits.darkLevel < limits.brightLevel else {
      throw OptionError(option: "dark-level", "dark-level must be below bright-level")
    }
    blank = GateCheck("blank", options[GateOptions.blank])
    blur = GateCheck("blur", options[GateOptions.blur])
    exposure = GateCheck("exposure", options[GateOptions.exposure])
    sameSides = GateCheck("same-sides", options[GateOptions.sameSides])
    samePicture = GateCheck("same-picture", options[GateOptions.samePicture])
    pictures = SeenPictures(capacity: options[GateOptions.remembered])
  }

  /// Looks at the scan and hands it on unchanged.
  public func run(_ input: consuming DocumentImage, in context: StageContext) throws
    -> DocumentImage
  {
    let image = input
    guard blank.isOn || blur.isOn || exposure.isOn || comparesPictures else { return image }
    let luma = try image.pixels(fitting: Self.edge).luma
    try judge(luma, in: context)
    if comparesPictures { try compare(luma, side: image.side, in: context) }
    return image
  }

  private var comparesPictures: Bool { sameSides.isOn || samePicture.isOn }

  /// The first finding is told, for it explains the later ones: in the dark a page looks blank, a blank page
  /// is bright all over, and neither has sharp edges.
  private func judge(_ luma: Plane, in context: StageContext) throws(StageFailure) {
    let light = exposure.isOn ? Exposure(luma) : nil
    if let finding = light?.darkness(limits) {
      return try exposure.report(finding, "take the picture again in more light", context)
    }
    let detail = blank.isOn || blur.isOn ? PictureDetail(luma) : nil
    if blank.isOn, let finding = detail?.blankness(limits) {
      return try blank.report(finding, "look whether the right page was scanned", context)
    }
    if let finding = light?.brightness(limits) {
      return try exposure.report(finding, "take the picture again with less light", context)
    }
    if blur.isOn, let finding = detail?.softness(limits) {
      try blur.report(finding, "take the picture again with a steady hand", context)
    }
  }

  private func compare(_ luma: Plane, side: Side, in context: StageContext) throws(StageFailure) {
    let place = PicturePlace(line: context.row.line, side: side)
    let digest = PictureDigest(luma)
    if sameSides.isOn,
      let distance = rows.distance(of: PicturePrint(luma), digest, at: place),
      distance <= limits.sameBits
    {
      try sameSides.report(
        "front and back are the same picture: \(distance) of 256 bits of their fingerprints differ, "
          + "\(limits.sameBits) or fewer is the same", "scan the missing side", context)
    }
    if samePicture.isOn, let twin = pictures.twin(of: digest, at: place) {
      try samePicture.report(
        "the picture is, pixel for pixel, the \(twin.side) in line \(twin.line)",
        "put each customer's own scan into the row; of two rows of this run that have it, the later is refused",
        context)
    }
  }
}
