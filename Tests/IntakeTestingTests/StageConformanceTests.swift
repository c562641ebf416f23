import IntakeCore
import IntakeTesting
import Testing

private struct Turn: ImageStage {
  static let name = "turn"
  static let summary = "test"
  init(options: NoOptions) {}
  func run(_ image: consuming DocumentImage, in context: StageContext) throws -> DocumentImage {
    let image = image
    return image.replacing(pixels: try image.pixels(fitting: 64))
  }
}

private struct Gossip: ImageStage {
  static let name = "gossip"
  static let summary = "test"
  init(options: NoOptions) {}
  func run(_ image: consuming DocumentImage, in context: StageContext) throws -> DocumentImage {
    let image = image
    guard image.header.size.longerSide < 300 || image.header.size.longerSide == 320 else {
      throw StageFailure(.imageTooLarge, "\(image.file) is too large")
    }
    return image
  }
}

private struct Dice: PreparedImageStage {
  static let name = "dice"
  static let summary = "test"
  init(options: NoOptions) {}
  func run(_ image: consuming PreparedImage, in context: StageContext) -> PreparedImage {
    let image = image
    return PreparedImage(
      side: .back, bytes: image.bytes + [UInt8.random(in: 0...255), .random(in: 0...255)],
      report: image.report)
  }
}

private struct Sulk: SubmissionStage {
  static let name = "sulk"
  static let summary = "test"
  init(options: NoOptions) {}
  func run(_ input: consuming Submission, in context: StageContext) throws -> Submission {
    throw StageFailure(.stageFailed, "no", outcome: .fatal)
  }
}

private struct Careless: RecordStage {
  struct Options: PluginOptions {
    @Option("", in: 1...3, name: "Level") var level = 7
    @Option("", in: 1...3, name: "Level") var again = 7
  }
  static let name = "Care Less"
  static let summary = ""
  static let example = #"{"stage":"other","levle":1}"#
  init(options: Options) {}
  func run(_ record: consuming IntakeRecord, in context: StageContext) -> IntakeRecord { record }
}

@Suite(.timeLimit(.minutes(20))) struct StageConformanceTests {
  private func broken(_ report: ConformanceReport) -> Set<String> {
    Set(report.failures.map(\.rule.name))
  }

  @Test func aGoodStageKeepsEveryRule() async {
    let report = await StageConformance.check(Turn.self)
    #expect(report.isConforming, "\(report.text)")
    #expect(report.verdicts.count == 14)
  }

  @Test func aFailureThatRepeatsAFileNameIsFound() async {
    #expect(broken(await StageConformance.check(Gossip.self)) == ["privacy"])
  }

  @Test func anOutputThatChangesOnItsOwnIsFound() async {
    let found = broken(await StageConformance.check(Dice.self))
    #expect(found.isSuperset(of: ["same-output", "side"]), "\(found)")
  }

  @Test func aDamagedItemThatWouldStopTheRunIsFound() async {
    let found = broken(await StageConformance.check(Sulk.self))
    #expect(found == ["ordinary", "hostile"])
  }

  @Test func whatAStageSaysAboutItselfIsChecked() async {
    let found = broken(await StageConformance.check(Careless.self))
    #expect(found == ["summary", "option-names", "defaults", "example", "name", "init"])
  }
}
