import IntakeCore
import IntakeTesting
import Testing

private struct Turn: ImageStage {
  static let descriptor = StageDescriptor(
    name: "turn", summary: "test", example: #"{"stage":"turn"}"#)
  init(options: StageOptions) {}
  func run(_ image: consuming DocumentImage, in context: StageContext) throws -> DocumentImage {
    let image = image
    return image.replacing(pixels: try image.pixels(fitting: 64))
  }
}

private struct Gossip: ImageStage {
  static let descriptor = StageDescriptor(
    name: "gossip", summary: "test", example: #"{"stage":"gossip"}"#)
  init(options: StageOptions) {}
  func run(_ image: consuming DocumentImage, in context: StageContext) throws -> DocumentImage {
    let image = image
    guard image.header.size.longerSide < 300 || image.header.size.longerSide == 320 else {
      throw StageFailure(.imageTooLarge, "\(image.file) is too large")
    }
    return image
  }
}

private struct Dice: PreparedImageStage {
  static let descriptor = StageDescriptor(
    name: "dice", summary: "test", example: #"{"stage":"dice"}"#)
  init(options: StageOptions) {}
  func run(_ image: consuming PreparedImage, in context: StageContext) -> PreparedImage {
    let image = image
    return PreparedImage(
      side: .back, bytes: image.bytes + [UInt8.random(in: 0...255), .random(in: 0...255)],
      report: image.report)
  }
}

private struct Sulk: SubmissionStage {
  static let descriptor = StageDescriptor(
    name: "sulk", summary: "test", example: #"{"stage":"sulk"}"#)
  init(options: StageOptions) {}
  func run(_ input: consuming Submission, in context: StageContext) throws -> Submission {
    throw StageFailure(.stageFailed, "no", outcome: .fatal)
  }
}

private struct Careless: RecordStage {
  static let level = StageOption.integer("Level", in: 1...3, default: 7, help: "")
  static let descriptor = StageDescriptor(
    name: "Care Less", summary: "", options: [level.descriptor, level.descriptor],
    example: #"{"stage":"other","levle":1}"#)
  init(options: StageOptions) {}
  func run(_ record: consuming IntakeRecord, in context: StageContext) -> IntakeRecord { record }
}

@Suite(.timeLimit(.minutes(5))) struct StageConformanceTests {
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
