import IntakeCore
import Testing

private struct Widen: ImageStage {
  static let amount = StageOption.integer(
    "amount", in: 1...10, default: 2, unit: "pixels", help: "how much")
  static let descriptor = StageDescriptor(
    name: "widen", summary: "test", options: [amount.descriptor], example: #"{"stage":"widen"}"#)
  let amount: Int
  init(options: StageOptions) throws(OptionError) { amount = options[Self.amount] }
  func run(_ image: consuming DocumentImage, in context: StageContext) -> DocumentImage { image }
}

struct PlanTests {
  private let registry = StageRegistry().adding(Widen.self)

  private func refusal(_ json: String) -> String {
    do {
      _ = try registry.assemble(PipelinePlan(json: Array(json.utf8)))
      return "accepted"
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: [
    (
      #"{"stages":[{"stage":"widn"}]}"#,
      #"line 1, column 21: there is no stage "widn", did you mean "widen"?"#
    ),
    (#"{"stages":[{"stage":7}]}"#, "line 1, column 21: a stage's name is a string, not a number"),
    (#"{"stages":[7]}"#, "line 1, column 12: a stage is an object"),
    (#"{"stages":[{}]}"#, #"line 1, column 12: the field "stage""#),
    (#"{"stage":[]}"#, #"line 1, column 2: unknown field "stage", did you mean "stages"?"#),
    ("{\n \"stages\": [\n  oops ]}", "line 3, column 3: no JSON value"),
    ("[]", "line 1, column 1: a plan is an object"),
  ])
  func errorsNameThePlaceAndTheNearestName(json: String, expected: String) {
    #expect(refusal(json).hasPrefix(expected), "\(refusal(json))")
  }

  @Test func aStageThatDoesNotFitSaysWhatWould() {
    let text = refusal(#"{"stages":[{"stage":"widen"}]}"#)
    #expect(text.contains("does not fit here: it takes DocumentImage and nothing comes before it"))
  }

  @Test func optionsAreChecked() throws {
    let descriptor = Widen.descriptor
    #expect(try StageOptions(["amount": .text("7")], for: descriptor)[Widen.amount] == 7)
    #expect(try StageOptions([:], for: descriptor)[Widen.amount] == 2)
    for (values, expected) in [
      (["amuont": OptionValue.integer(1)], "did you mean \"amount\"?"),
      (["amount": .integer(11)], "takes whole number, 1 to 10 pixels, not 11"),
      (["amount": .text("many")], "takes whole number, 1 to 10 pixels, not \"many\""),
      (["amount": .flag(true)], "takes whole number, 1 to 10 pixels, not true"),
    ] {
      let error = #expect(throws: OptionError.self) { try StageOptions(values, for: descriptor) }
      #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }
  }

  @Test func aNameThatStandsTwiceIsRefused() {
    let error = #expect(throws: RegistrationError.self) { try registry.adding(Widen.self).check() }
    #expect(error?.description.contains("two stages are called \"widen\"") == true)
  }
}
