import IntakeCore
import Testing

private struct Widen: ImageStage {
  struct Options: PluginOptions {
    @Option("how much", in: 1...10, unit: "pixels") var amount = 2
  }
  static let name = "widen"
  static let summary = "test"
  let options: Options
  init(options: Options) { self.options = options }
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
    let given = try Widen(given: ["amount": .text("7")]).options
    #expect(given.amount == 7 && given.$amount.isGiven)
    let fallback = try Widen().options
    #expect(fallback.amount == 2 && !fallback.$amount.isGiven)
    for (values, expected) in [
      (["amuont": OptionValue.integer(1)], "did you mean \"amount\"?"),
      (["amount": .integer(11)], "takes whole number, 1 to 10 pixels, not 11"),
      (["amount": .text("many")], "takes whole number, 1 to 10 pixels, not \"many\""),
      (["amount": .flag(true)], "takes whole number, 1 to 10 pixels, not true"),
    ] {
      let error = #expect(throws: OptionError.self) { try Widen(given: values) }
      #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }
  }

  /// Every form of an option, and how its name is made from the property's.
  private struct Forms: PluginOptions {
    enum Mode: String, CaseIterable { case fast, slow }
    @Option("a", in: 1...9, unit: "bytes") var maxBytes = 5
    @Option("b", in: 1...9) var backEdge: Int? = nil
    @Option("c", in: 0...1) var share = 0.5
    @Option("d") var keepICC = true
    @Option("e") var word = "x"
    @Option("f", isPath: true) var caFile: String? = nil
    @Option("g") var mode = Mode.fast
    @Option("h") var sha256: [String] = []
    @Option("i", name: "x-table") var table: [String: String] = [:]
    var isNoOption = 1
  }

  @Test func everyDeclaredOptionIsInTheDescriptor() {
    struct Holder: RecordStage {
      typealias Options = Forms
      static let name = "holder"
      static let summary = "test"
      init(options: Options) {}
      func run(_ record: consuming IntakeRecord, in context: StageContext) -> IntakeRecord {
        record
      }
    }
    let options = Holder.descriptor.options
    #expect(
      options.map(\.name) == [
        "max-bytes", "back-edge", "share", "keep-icc", "word", "ca-file", "mode", "sha256",
        "x-table",
      ])
    #expect(options.map(\.help).joined() == "abcdefghi")
    #expect(options[6].kind == .choice(["fast", "slow"]))
    #expect(options[6].defaultValue == .text("fast"))
    #expect(options.filter(\.isPath).map(\.name) == ["ca-file"])
    #expect(options[0].unit == "bytes" && options[1].defaultValue == nil)
    #expect(Holder.descriptor.example == #"{"stage":"holder"}"#)
  }

  @Test func optionsOfAStructureInsideAreFound() throws {
    struct Limits {
      @Option("the least", in: 1...9) var least = 1
    }
    struct Nested: RecordStage {
      struct Options: PluginOptions {
        var limits = Limits()
        @Option("the most", in: 1...9) var most = 9
      }
      static let name = "nested"
      static let summary = "test"
      let options: Options
      init(options: Options) { self.options = options }
      func run(_ record: consuming IntakeRecord, in context: StageContext) -> IntakeRecord {
        record
      }
    }
    #expect(Nested.descriptor.options.map(\.name) == ["least", "most"])
    let options = try Nested(given: ["least": .integer(4)]).options
    #expect(options.limits.least == 4 && options.limits.$least.isGiven && options.most == 9)
  }

  @Test func aValueGoesToOneStageAlone() throws {
    let (first, second) = (try Widen(given: ["amount": .integer(3)]), try Widen())
    #expect(first.options.amount == 3)
    #expect(second.options.amount == 2)
  }

  @Test func aStageWithoutItsRoleIsRefused() {
    struct Silent: Stage {
      static let name = "silent"
      static let summary = "test"
      init(options: NoOptions) {}
      func run(_ input: consuming Outcome, in context: StageContext) {}
    }
    struct Idle: Plugin {
      static let name = "idle"
      static let summary = "test"
      init(options: NoOptions) {}
    }
    for (registry, role) in [
      (registry.adding(Silent.self), "Recorder"), (registry.adding(Idle.self), "Stage or Journal"),
    ] {
      let error = #expect(throws: RegistrationError.self) { try registry.check() }
      #expect(error?.description.hasSuffix("make it conform to \(role)") == true)
    }
  }

  @Test func aSecondStageThatKeepsTheLedgerIsRefusedAtItsPlace() {
    let registry = StageRegistry().adding(Rows.self, Request.self, Post.self, Book.self)
    let json = """
      {"stages": [
        {"stage":"rows"}, {"stage":"request"}, {"stage":"post"},
        {"stage":"book"},
        {"stage":"book"}
      ]}
      """
    let error = #expect(throws: PlanError.self) {
      try registry.assemble(PipelinePlan(json: Array(json.utf8)))
    }
    #expect(
      error?.description
        == #"line 4, column 12: stage "book" keeps the ledger, and an earlier stage already does: remove one of them"#
    )
  }

  @Test func aNameThatStandsTwiceIsRefused() {
    let error = #expect(throws: RegistrationError.self) { try registry.adding(Widen.self).check() }
    #expect(error?.description.contains("two stages are called \"widen\"") == true)
  }
}

// The least stages of a whole plan; nothing of them is run.
private struct Unused: Error {}

private struct Rows: Loader {
  static let name = "rows"
  static let summary = "test"
  init(options: NoOptions) {}
  func run(_: consuming Void, in context: StageContext) throws -> any RowSource { throw Unused() }
}

private struct Request: Assembler {
  static let name = "request"
  static let summary = "test"
  init(options: NoOptions) {}
  let target: any Target = NoTarget()
  func problems(in record: IntakeRecord) -> [StageFailure] { [] }
  func imageBudget(for record: IntakeRecord) -> Int? { nil }
  func run(_: consuming Assembly, in context: StageContext) throws -> Submission { throw Unused() }
}

private struct NoTarget: Target {
  let name = "none"
  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) throws -> HTTPRequest { throw Unused() }
  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt { Receipt(.fatal) }
}

private struct Post: Submitter {
  static let name = "post"
  static let summary = "test"
  init(options: NoOptions) {}
  func run(_: consuming Submission, in context: StageContext) throws -> Receipt { throw Unused() }
  func ask(_ inquiry: Submission, in context: StageContext) throws -> HTTPResponse {
    throw Unused()
  }
}

private struct Book: Journal {
  static let name = "book"
  static let summary = "test"
  init(options: NoOptions) {}
  func open(for target: String, operation: String) throws -> any OpenLedger { throw Unused() }
}
