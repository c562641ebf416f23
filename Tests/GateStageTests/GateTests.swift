import GateStage
import IntakeCore
import Synchronization
import Testing

struct GateTests {
  @Test func `a good scan goes through unchanged and unmentioned`() throws {
    let check = try GateWorkshop()
    let image = check.scan(.print)
    let result = try check.gate.run(image, in: check.context(line: 2, .front))
    #expect(result.sourceBytes == image.sourceBytes && result.header == image.header)
    #expect(check.messages.isEmpty)
  }

  @Test(arguments: [
    (Picture.paper, "blank"), (.shadedPaper, "blank"), (.night, "too dark"), (.fog, "too bright"),
    (.smear, "blurred"),
  ])
  func `a bad scan is refused with what was measured`(picture: Picture, word: String) throws {
    let check = try GateWorkshop()
    let failure = try #require(check.refusal(picture))
    #expect(failure.code == .refusedByStage && failure.outcome == .rejected)
    #expect(failure.detail.contains(word), "\(failure)")
    #expect(failure.detail.contains { $0.isNumber })
    #expect(failure.hint.contains("gate."))
  }

  @Test(arguments: [
    (Picture.paper, ["blank", "exposure"]), (.night, ["exposure", "blank", "blur"]),
    (.fog, ["exposure"]), (.smear, ["blur"]),
  ])
  func `a check that is off finds nothing`(picture: Picture, checks: [String]) throws {
    let off = Dictionary(uniqueKeysWithValues: checks.map { ($0, OptionValue.text("off")) })
    #expect(try GateWorkshop(off).refusal(picture) == nil)
  }

  @Test func `a warning names the side and lets the scan through`() throws {
    let check = try GateWorkshop(["blur": .text("warn")])
    #expect(check.refusal(.smear) == nil)
    #expect(check.messages.count == 1)
    #expect(check.messages.first?.hasPrefix("front: the picture is blurred") == true)
  }

  @Test func `one line of print on a page is not blank, nor is the page too bright`() throws {
    #expect(try GateWorkshop().refusal(.oneLine) == nil)
  }

  @Test func `thresholds are options`() throws {
    #expect(try GateWorkshop(["blank-share": .number(90)]).refusal(.oneLine) != nil)
    #expect(try GateWorkshop(["blur-width": .number(30)]).refusal(.smear) == nil)
    #expect(try GateWorkshop(["dark-level": .integer(10)]).refusal(.dusk) == nil)
    #expect(try GateWorkshop(["dark-level": .integer(120)]).refusal(.dusk) != nil)
    #expect(try GateWorkshop(["bright-level": .integer(250)]).refusal(.fog) == nil)
  }

  @Test func `a dark level above the bright one is refused`() {
    #expect(throws: OptionError.self) {
      try GateWorkshop(["dark-level": .integer(200), "bright-level": .integer(100)])
    }
  }

  @Test func `nothing is decoded when every check is off`() throws {
    let names = ["blank", "blur", "exposure", "same-sides", "same-picture"]
    let check = try GateWorkshop(
      Dictionary(uniqueKeysWithValues: names.map { ($0, .text("off")) }))
    #expect(check.refusal(.broken) == nil)
    #expect(try GateWorkshop().refusal(.broken)?.code == .damagedImage)
  }

  @Test func `the example is a working plan entry`() throws {
    #expect(throws: Never.self) {
      try PipelinePlan(json: Array("{\"stages\":[\(Gate.descriptor.example)]}".utf8))
    }
  }
}
