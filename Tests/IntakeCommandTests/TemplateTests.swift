import IntakeCore
import IntakeSystem
import IntakeTransport
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An API that is described by a plan alone, through the built command.
@Suite(.timeLimit(.minutes(20)))
struct TemplateTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }
  private let plans = Program.samples + "/plans"
  private let manifest = Program.samples + "/customers.csv"

  /// A plan of the samples whose body is found whatever the working folder is.
  private func plan(_ name: String) -> [String] {
    let file = "template.body-file=\(plans)/\(name)-body.json"
    return ["--to", "\(plans)/\(name).json", "--set", file]
  }

  @Test func dcamsAsATemplateIsTakenByTheSandbox() throws {
    let sandbox = try program.start(["sandbox"])
    defer { sandbox.signal(SIGTERM) }
    try sandbox.waitFor("\"address\":")
    let ready = try JSONParser.parse(Array(sandbox.text(".out").utf8))
    let address = try #require(ready["address"]?.string)
    let keys = folder.write("credentials.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let endpoint = ["--endpoint", address + "/v3/stable/api/storage", "--credentials", keys]
    let result = try program.start(["run", manifest] + plan("template-dcams") + endpoint).wait()
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.outcomes == ["accepted": 6])
    for row in result.rows {
      #expect(row["status"]?.string == "PENDING")
      #expect(row["type"]?.string == "createCustomer")
    }
    let asked = HTTPRequest(
      method: "GET", url: address + "/sandbox/requests", headers: [], body: [])
    guard case .answered(let log, _) = HTTPClient().send(asked, answerLimit: nil) else {
      throw ProgramError("the sandbox keeps no log")
    }
    let lines = log.body.split(separator: 0x0A).compactMap { try? JSONParser.parse(Array($0)) }
    #expect(lines.count == 6)
    for line in lines { #expect(line["notes"]?.elements?.isEmpty == true) }
  }

  @Test func aStatusThatIsACellIsShownNowhere() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["word=PORTLAND"])
    let keys = folder.write("keys.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let ledger = folder.path + "/ledger"
    let place = ["--endpoint", sandbox.endpoint, "--credentials", keys, "--ledger", ledger]
    let command = ["run", manifest, "--limit", "1"] + plan("template-dcams") + place
    let result = try await program.start(command).wait()
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.rows.first?["status"]?.string == "other", "\(result.output)")
    #expect(result.rows.first?["type"]?.string == "other")
    let lines = try Descriptor.open(ledger).wholeFile(atMost: 1 << 20)
    let text = String(decoding: lines, as: UTF8.self)
    #expect(text.contains(#""status":"other""#) && !text.contains("PORTLAND"), "\(text)")
  }

  /// Whoever follows the advice for a row in doubt must not go round in circles.
  @Test func aTargetThatCannotBeAskedIsNotSaidToAnswer() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["drop-after-accept@1"])
    let keys = folder.write("credentials.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let command =
      ["run", manifest] + plan("template-dcams") + [
        "--endpoint", sandbox.endpoint, "--credentials", keys, "--limit", "1", "--settle-after",
        "0",
      ]
    for more in [[], [], ["--dry-run"], ["--ambiguous", "hold"]] {
      let result = try await program.start(command + more).wait()
      #expect(result.code == 5, "\(result.errors)")
      let hint = try #require(result.rows.first { $0["outcome"] != nil }?["hint"]?.string)
      #expect(hint.contains("docintake reconcile LEDGER --mark"), "\(hint)")
      #expect(hint.contains("--ambiguous resend"), "\(hint)")
      for text in [hint, result.errors] {
        #expect(!text.contains("same command again") && !text.contains("in-doubt"), "\(text)")
      }
    }
    let resent = try await program.start(command + ["--ambiguous", "resend"]).wait()
    #expect(resent.code == 0, "\(resent.errors)")
  }

  @Test func aPlanWithAMistakeInItsBodyIsRefusedWithThePlace() throws {
    let body = folder.write("body.json", "{\n  \"mail\": \"{emial}\"\n}")
    let plan = folder.write(
      "plan.json",
      """
      {"stages":[{"stage":"load"},
        {"stage":"template","body-file":"\(body)"},
        {"stage":"submit"},{"stage":"record"}]}
      """)
    let result = try program.run("run", manifest, "--to", plan)
    #expect(result.code == 2)
    #expect(result.output.isEmpty)
    for text in ["line 2, column 35", "line 2, column 11 of the template", #"mean "email"?"#] {
      #expect(result.errors.contains(text), "\(result.errors)")
    }
  }

  @Test func aDryRunHidesCellsInPathHeadersAndBody() throws {
    let body = folder.write(
      "body.json", #"{"user":"{email}","service":"{fn}","scan":"{image:front}"}"#)
    let plan = folder.write(
      "plan.json",
      """
      {"stages":[{"stage":"load"},{"stage":"decode"},{"stage":"shrink"},{"stage":"base64"},
        {"stage":"template","path":"/people/{email}?id={id}","headers":{"X-Name":"{ln}"},
         "body-file":"\(body)"},
        {"stage":"submit","endpoint":"https://api.example"},{"stage":"record"}]}
      """)
    let result = try program.run("run", manifest, "--to", plan, "--dry-run")
    #expect(result.code == 0, "\(result.errors)")
    let row = try #require(result.row("C-1002")?["request"])
    #expect(row["url"]?.string == "https://api.example/people/[personal]?id=C-1002")
    #expect(row["headers"]?["X-Name"]?.string == "[personal]")
    #expect(row["body"]?["user"]?.string == "[personal]")
    #expect(row["body"]?["scan"]?.string?.hasPrefix("[jpeg ") == true)
    for word in ["oyelaran", "Marcus"] { #expect(!result.output.contains(word)) }
  }
}
