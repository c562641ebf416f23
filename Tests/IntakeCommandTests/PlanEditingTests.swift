import IntakeCore
import TestSupport
import Testing

/// Plans that the command line changes, and what is said of those that cannot work.
@Suite(.timeLimit(.minutes(20)))
struct PlanEditingTests {
  private let folder = TemporaryFolder()
  private let manifest = Program.samples + "/customers.csv"
  private let usual = ["load", "decode", "shrink", "base64", "dcams", "submit", "record"]

  private func run(_ changes: [String], to target: String = "sandbox") async throws
    -> Program.Result
  {
    let arguments = ["run", manifest, "--to", target, "--print-plan"] + changes
    return try await Program(folder: folder).start(arguments).wait()
  }

  /// The stages of the plan that is printed.
  private func stages(_ changes: [String]) async throws -> [JSONValue] {
    let result = try await run(changes)
    #expect(result.code == 0, "\(result.errors)")
    return try #require(JSONParser.parse(Array(result.output.utf8))["stages"]?.elements)
  }

  @Test(arguments: [
    (["--insert", "after:decode", "gate"], ["load", "decode", "gate", "shrink"]),
    (["--insert", "before:shrink", "gate"], ["load", "decode", "gate", "shrink"]),
    // By role, and a role that a stage of another name fills.
    (
      ["--insert", "before:encode", "external program=./p accepts=prepared"],
      ["load", "decode", "shrink", "external", "base64"]
    ),
    (
      ["--insert", "after:assemble", "external program=./p accepts=submission"],
      ["load", "decode", "shrink", "base64", "dcams", "external", "submit"]
    ),
    (
      ["--insert", "after:decode", "gate", "--insert", "after:gate", "external program=./p"],
      ["load", "decode", "gate", "external", "shrink"]
    ),
    (
      [
        "--replace", "assemble", "noah", "--without", "decode", "--without", "shrink", "--without",
        "encode",
      ], ["load", "noah", "submit", "record"]
    ),
  ])
  func stagesStandWhereTheCommandLinePutsThem(changes: [String], expected: [String]) async throws {
    let names = try await stages(changes).compactMap { $0["stage"]?.string }
    #expect(names.starts(with: expected), "\(names)")
  }

  @Test func aPlanWithoutChangesIsTheUsualOne() async throws {
    #expect(try await stages([]).compactMap { $0["stage"]?.string } == usual)
  }

  @Test func valuesOfANewStageAreItsOptions() async throws {
    let changes = [
      "--insert", "after:decode", "external program=./p options.radius=4 timeout=2.5",
      "--set", "external.options.box=0,0,10,10",
    ]
    let stage = try #require(await stages(changes).first { $0["stage"]?.string == "external" })
    #expect(stage["options"]?["radius"]?.string == "4")
    #expect(stage["options"]?["box"]?.string == "0,0,10,10")
    #expect(stage["timeout"]?.number == 2.5)
  }

  @Test(arguments: [
    (["--insert", "after:decode", "gat"], "there is no stage \"gat\", did you mean \"gate\"?"),
    (["--insert", "after:decod", "gate"], "did you mean \"decode\"?"),
    (["--insert", "decode", "gate"], "--insert takes after:STAGE or before:STAGE"),
    (["--insert", "after:decode", ""], "the new stage has no name"),
    (["--insert", "after:decode", "gate sharp"], "OPTION=VALUE, not \"sharp\""),
    (["--insert", "after:base64", "gate"], "stage \"gate\" does not fit here: it takes Document"),
    (["--replace", "shrnk", "gate"], "did you mean \"shrink\"?"),
    (["--without", "shrnk"], "did you mean \"shrink\"?"),
    (["--without", "shrink"], #"add {"stage":"shrink"} before it"#),
    (["--without", "load"], #"add {"stage":"load"} before it"#),
    (["--without", "submit"], #"add {"stage":"submit"} before it"#),
    (["--without", "record"], #"no recorder that keeps the ledger: add {"stage":"record"} after"#),
    (["--set", "shrink.edge=0"], "see docintake stages show shrink"),
    (["--set", "shrink.eddge=900"], "did you mean \"edge\"?"),
    (["--set", "load.map=a"], "load.map.NAME=VALUE"),
  ])
  func whatCannotWorkIsSaidWithTheNextStep(changes: [String], expected: String) async throws {
    let result = try await run(changes)
    #expect(result.code == 2)
    #expect(result.errors.contains(expected), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  /// Line and column in the plan file, for each kind of mistake.
  @Test(arguments: [
    (#" {"stage":"gatte"},"#, "line 4, column 11: there is no stage \"gatte\""),
    (#" {"stage":"gate","sharp":1},"#, "line 4, column 26: stage \"gate\" has no option"),
    (#" {"stage":"base64"},"#, "line 4, column 11: stage \"base64\" does not fit here"),
    (
      #" {"stage":"external","program":["./p"],"options":{"a":[1]}},"#,
      "line 4, column 55: option \"options\" holds texts, not a list"
    ),
    (
      #" {"stage":"external","program":null},"#,
      "line 4, column 32: option \"program\" cannot be null"
    ),
    (
      #" {"stage":"gate","dark-level":"9"},"#,
      "line 4, column 31: option \"dark-level\" of stage \"gate\" takes whole number"
    ),
    (#" {"stage":"external","program":["./p",3],"options":{"a":1,"b":true}},"#, ""),
  ])
  func mistakesInAPlanFileAreNamedWithTheirPlace(line: String, expected: String) async throws {
    let rest = #" {"stage":"shrink"},{"stage":"base64"},{"stage":"dcams"},"#
    let plan = folder.write(
      "plan.json",
      "{\"stages\":[\n {\"stage\":\"load\"},\n {\"stage\":\"decode\"},\n\(line)\n\(rest)\n"
        + #" {"stage":"submit","endpoint":"sandbox"},{"stage":"record"}]}"#)
    let result = try await run([], to: plan)
    #expect(result.code == (expected.isEmpty ? 0 : 2))
    #expect(expected.isEmpty || result.errors.contains(expected), "\(result.errors)")
  }

  /// Whatever a file or an address of the plan is needed for, its place is said before any file of the batch is read.
  @Test(arguments: [
    (
      #"{"stage":"external","program":["./p"]},"#, "http://example.com",
      "line 2, column 32: ", "/./p: there is no such file", "correct \"program\""
    ),
    ("", "http://example.com", "line 3, column 31: ", "write https", "correct --endpoint"),
  ])
  func whatAPlanNamesIsLookedAt(
    stage: String, endpoint: String, place: String, complaint: String, hint: String
  ) async throws {
    let plan = folder.write(
      "plan.json",
      #"{"stages":[{"stage":"load"},{"stage":"decode"},\#n \#(stage)"#
        + #"{"stage":"shrink"},{"stage":"base64"},{"stage":"dcams"},\#n {"stage":"submit","endpoint":""#
        + endpoint + #""},{"stage":"record"}]}"#)
    for command in ["check", "run"] {
      let result = try await Program(folder: folder).start(
        [command, "nothing.csv", "--to", plan]
      ).wait()
      #expect(result.code == 2, "\(result.errors)")
      for text in ["plan.json: ", place, complaint, hint] {
        #expect(result.errors.contains(text), "\(result.errors)")
      }
    }
  }

  /// The command line has no place in the plan, and all its values are texts.
  @Test func aValueOfTheCommandLineHasNoPlace() async throws {
    let plan = folder.write("plan.json", try await run(["--set", "shrink.edge=900"]).output)
    #expect(try await run(["--set", "shrink.edge=901"], to: plan).code == 0)
    let result = try await run(["--set", "shrink.edge=1"], to: plan)
    #expect(result.code == 2 && !result.errors.contains("column"), "\(result.errors)")
  }

  @Test func programsOfAPlanStandBesideIt() async throws {
    let inner = folder.folder("plans")
    let text = try await run(["--insert", "after:decode", "external program=./p"]).output
    let plan = folder.write("plans/plan.json", text)
    let result = try await run([], to: plan)
    #expect(result.output.contains(#""program":["\#(inner)/./p"]"#), "\(result.output)")
  }
}
