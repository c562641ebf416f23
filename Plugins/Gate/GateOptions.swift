import IntakeCore

/// What can be set: a word for each check, and the figures that it goes by.
///
/// The defaults were set on 48 good scans (phone photos, flatbed pages, cards) and on 160 made from them: blurred,
/// darkened, washed out, blank. Each stands in the gap between the two, on the side that lets through.
enum GateOptions {
  static let blank = check("blank", "a page with nothing on it")
  // Measured: empty pages 0.0, one line of print on a letter page 1.9, good scans 8.8 and more.
  static let blankShare = StageOption<Double>.number(
    "blank-share", in: 0...100, default: 1, unit: "percent",
    help: "blank: least part of the picture that has to show something")

  static let blur = check("blur", "a picture in which no edge is sharp")
  // Measured: good scans 1.0 to 1.5; a 12-megapixel photo blurred by 4, 8, 12, 16 pixels (standard
  // deviation) 2.7 to 3.2, 4.7 to 5.5, 6.3 to 7.2, 7.3 to 8.3. Print of 2 mm is gone from 12 on.
  static let blurWidth = StageOption<Double>.number(
    "blur-width", in: 1...30, default: 6, unit: "pixels",
    help: "blur: widest that the sharpest tenth of the edges may be, on a copy of 1,024 pixels")

  static let exposure = check("exposure", "a picture that is nearly all black or all white")
  // Measured: good scans 239 and more; at a fifth of the light 48 to 50, at three tenths 72 to 75.
  static let darkLevel = StageOption<Int>.integer(
    "dark-level", in: 0...254, default: 60, unit: "luma",
    help: "exposure: what the brightest hundredth of the picture has to reach")
  // Measured: good scans up to 32, a page with one line of print 62; seven tenths of the contrast lost 178 to
  // 187, eight tenths 198 to 205.
  static let brightLevel = StageOption<Int>.integer(
    "bright-level", in: 1...255, default: 190, unit: "luma",
    help: "exposure: what the darkest five-thousandth of the picture must not exceed")

  static let sameSides = check("same-sides", "front and back that are the same picture")
  // Measured: the same picture resized and saved anew 0 to 5, fronts and backs 35 and more.
  static let sameBits = StageOption<Int>.integer(
    "same-bits", in: 0...64, default: 12, unit: "bits",
    help: "same-sides: most bits of 256 in which the fingerprints of one picture differ")

  static let samePicture = check(
    "same-picture",
    "a picture that another row of this run has, pixel for pixel; of two at work at once the later is refused"
  )
  static let remembered = StageOption<Int>.integer(
    "remembered", in: 2...10_000_000, default: 500_000, unit: "pictures",
    help: "same-picture: how many of the latest pictures are known, 16 bytes each")

  private static func check(_ name: String, _ what: String) -> StageOption<String> {
    .choice(name, of: GateCheck.words, default: "refuse", help: "what to do about \(what)")
  }
}

/// The figures of one gate.
struct GateLimits: Sendable {
  let blankShare: Double
  let blurWidth: Double
  let darkLevel: Int
  let brightLevel: Int
  let sameBits: Int

  init(_ options: StageOptions) {
    blankShare = options[GateOptions.blankShare]
    blurWidth = options[GateOptions.blurWidth]
    darkLevel = options[GateOptions.darkLevel]
    brightLevel = options[GateOptions.brightLevel]
    sameBits = options[GateOptions.sameBits]
  }
}
