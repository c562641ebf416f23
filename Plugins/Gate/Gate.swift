public import IntakeCore

/// Stops scans that every receiver turns down.
///
/// It looks at a copy of at most 1,024 pixels, which costs another decode: 30 to 45 ms of CPU for a phone photo.
public struct Gate: ImageStage {
  /// `gate`.
  public static let name = "gate"
  /// What it does.
  public static let summary = "refuse scans that are blank, blurred, badly lit, or sent twice"
  /// An entry that works.
  public static let example = #"{"stage":"gate","blur":"warn","same-picture":"off"}"#

  /// A quarter of a 12-megapixel photo, which the decoder scales cheaply; half of it would cost the same, and print and
  /// blur would look alike.
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

  /// Looks at the scan and passes it on unchanged.
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

  /// Reports the first finding only, because it explains the others: in the dark a page looks blank, a blank page is
  /// bright all over, and neither has sharp edges.
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

/// What to do about each finding, and the figures that decide.
///
/// The defaults come from 48 good scans (phone photos, flatbed pages, cards) and 160 made from them: blurred, darkened,
/// washed out, blank. Each is in the gap between good and bad, on the lenient side.
public struct GateOptions: PluginOptions {
  @Option("what to do about a page with nothing on it") var blank = GateAction.refuse
  // Measured: empty pages 0.0, one line of print on a letter page 1.9, good scans 8.8 and more.
  @Option(
    "blank: least part of the picture that has to show something", in: 0...100, unit: "percent")
  var blankShare = 1.0

  @Option("what to do about a picture in which no edge is sharp") var blur = GateAction.refuse
  // Measured: good scans 1.0 to 1.5; a 12-megapixel photo blurred by 4, 8, 12, 16 pixels (standard
  // deviation) 2.7 to 3.2, 4.7 to 5.5, 6.3 to 7.2, 7.3 to 8.3. Print of 2 mm is gone from 12 on.
  @Option(
    "blur: widest that the sharpest tenth of the edges may be, on a copy of 1,024 pixels",
    in: 1...30, unit: "pixels")
  var blurWidth = 6.0

  @Option("what to do about a picture that is nearly all black or all white")
  var exposure = GateAction.refuse
  // Measured: good scans 239 and more; at a fifth of the light 48 to 50, at three tenths 72 to 75.
  @Option(
    "exposure: what the brightest hundredth of the picture has to reach", in: 0...254,
    unit: "luma")
  var darkLevel = 60
  // Measured: good scans up to 32, a page with one line of print 62; seven tenths of the contrast lost 178 to
  // 187, eight tenths 198 to 205.
  @Option(
    "exposure: what the darkest five-thousandth of the picture must not exceed", in: 1...255,
    unit: "luma")
  var brightLevel = 190

  @Option("what to do about front and back that are the same picture")
  var sameSides = GateAction.refuse
  @Option(
    "what to do about a picture that another row of this run has, pixel for pixel; of two at work at once the later is refused"
  )
  var samePicture = GateAction.refuse
  // Measured: the same picture resized and saved again 0 to 5, fronts and backs 35 and more.
  @Option(
    "same-sides: most bits of 256 in which the fingerprints of one picture differ", in: 0...64,
    unit: "bits")
  var sameBits = 12
  @Option(
    "same-picture: how many of the latest pictures are known, 16 bytes each", in: 2...10_000_000,
    unit: "pictures")
  var remembered = 500_000

  /// Every option with its default.
  public init() {}
}

/// What to do about the finding of a check.
enum GateAction: String, CaseIterable {
  case off, warn, refuse

  var isOn: Bool { self != .off }

  /// Refuses the scan or warns the operator; `check` is the option that decides which.
  func report(_ check: String, _ finding: String, _ remedy: String, _ context: StageContext)
    throws(StageFailure)
  {
    guard self == .refuse else {
      let side = context.side.map { "\($0): " } ?? ""
      return context.log(.warning, side + finding)
    }
    throw StageFailure(
      .refusedByStage, finding, hint: "\(remedy), or set gate.\(check) to warn",
      side: context.side)
  }
}
