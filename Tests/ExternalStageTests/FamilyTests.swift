import IntakeCore
import IntakeTesting
import Testing

@testable import ExternalStage

private struct Look: ImageDecoder {
  static let name = "look"
  static let summary = "test"
  init(options: NoOptions) {}
  func run(_ file: consuming ImageFile, in context: StageContext) throws -> DocumentImage {
    try SampleImage.document(SampleImage.png())
  }
}

private final class Rows: RowSource {
  let notices: [String] = []
  func next() async throws -> LoadedRow? { nil }
}

private struct Start: Loader {
  static let name = "start"
  static let summary = "test"
  init(options: NoOptions) {}
  func run(_ input: consuming Void, in context: StageContext) -> any RowSource { Rows() }
}

/// The family stands under one name in plans, and `accepts` decides where it fits.
struct FamilyTests {
  private let registry = StageRegistry().adding(Start.self, Look.self).adding(External.self)

  private func refusal(_ accepts: String, rest: String = "") -> String {
    let plan =
      #"{"stages":[{"stage":"start"},{"stage":"look"},{"stage":"external","program":["./p"]\#(accepts)}\#(rest)]}"#
    do {
      _ = try registry.assemble(PipelinePlan(json: Array(plan.utf8)))
      return "accepted"
    } catch {
      return "\(error)"
    }
  }

  @Test func theKindThatFitsIsTaken() {
    // What is missing is told only once all neighbours fit.
    #expect(refusal("") == "the plan has no assembler: add an assembler")
    #expect(refusal(#","accepts":"image""#) == "the plan has no assembler: add an assembler")
  }

  @Test(arguments: [("prepared", "PreparedImage"), ("submission", "Submission")])
  func theKindThatDoesNotFitIsRefused(accepts: String, takes: String) {
    let text = refusal(#","accepts":"\#(accepts)""#)
    #expect(
      text.hasPrefix(
        "line 1, column 56: stage \"external\" does not fit here: it takes \(takes) and"), "\(text)"
    )
  }

  @Test(arguments: [
    (
      "\"external\",\"program\":[\"./p\"],\"accepts\":\"file\"},{\"stage\":\"look\"", "no assembler"
    ),
    (
      "\"look\"},{\"stage\":\"external\",\"program\":[\"./p\"],\"accepts\":\"file\"",
      "takes ImageFile"
    ),
    (
      "\"external\",\"program\":[\"./p\"],\"accepts\":\"file\",\"formats\":[\"heik\"]",
      "did you mean \"heic\""
    ),
  ])
  func filesAreHandedOverBeforeTheDecoder(stages: String, answer: String) throws {
    let plan = try PipelinePlan(
      json: Array(#"{"stages":[{"stage":"start"},{"stage":\#(stages)}]}"#.utf8))
    let error = #expect(throws: PlanError.self) { try registry.assemble(plan) }
    #expect("\(error.map { "\($0)" } ?? "")".contains(answer))
  }

  @Test func aNeighbourOfNoKindIsToldAllOfThem() {
    let text =
      "\(#expect(throws: PlanError.self) { try registry.assemble(PipelinePlan([PlannedStage("external")])) }.map { "\($0)" } ?? "")"
    #expect(
      text.contains(
        "it takes ImageFile or DocumentImage or PreparedImage or Submission and nothing comes before it"
      ),
      "\(text)")
  }

  @Test func aPlannedStageHasTheRoleOfItsKind() throws {
    let entry = try #require(registry["external"])
    #expect(entry.role == "image")
    #expect(
      entry.choosing(PlannedStage("external", ["accepts": .text("submission")])).role
        == "submission")
    #expect(
      entry.choosing(PlannedStage("external", ["accepts": .text("prepared")])).role == "prepared")
    #expect(entry.shapes.count == 4)
  }

  @Test func theExampleIsAPlanEntry() throws {
    let plan = try PipelinePlan(
      json: Array(#"{"stages":[\#(ExternalStage<ImageItem>.example)]}"#.utf8))
    _ = try ExternalStage<ImageItem>(given: plan.stages[0].options)
  }

  @Test func relativeProgramsStartAtThePlansFolder() {
    var plan = PipelinePlan([
      PlannedStage("external", ["program": .list(["./a", "./b"])]),
      PlannedStage("external", ["program": .list(["/x/a"])]),
      PlannedStage("shrink", ["program": .list(["./a"])]),
    ])
    plan.resolvePaths(in: "/plans", for: registry)
    #expect(
      plan.stages.map { $0.options["program"] } == [
        .list(["/plans/./a", "./b"]), .list(["/x/a"]), .list(["./a"]),
      ])
  }
}
