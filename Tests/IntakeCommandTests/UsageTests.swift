import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What goes wrong before anything is sent: one clear message, exit code 2, no stack trace.
@Suite(.timeLimit(.minutes(20)))
struct UsageTests {
  private static let stages = [
    "load", "decode", "gate", "shrink", "base64", "dcams", "noah", "template", "submit", "record",
    "external",
  ]

  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }
  private let samples = Program.samples

  @Test(arguments: [
    ([], "no command was given"),
    (["rnu"], "did you mean \"run\"?"),
    (["run"], "an argument is missing: MANIFEST"),
    (["run", "a.csv"], "--to is missing"),
    (["run", "a.csv", "--to", "sandbx"], "did you mean \"sandbox\"?"),
    (["run", "a.csv", "--to", "sandbox", "--ledgr", "x"], "did you mean \"--ledger\"?"),
    (["run", "a.csv", "--to", "sandbox", "--concurrency", "0"], "whole number from 1 to 256"),
    (["run", "a.csv", "--to", "sandbox", "--shard", "0/3"], "i from 1 to n"),
    (["run", "a.csv", "--to", "sandbox", "--halt", "never"], "soon,fail=10%"),
    (["run", "a.csv", "--to", "sandbox", "--set", "shrink.edgee=5"], "did you mean \"edge\"?"),
    (["run", "a.csv", "--to", "sandbox", "--set", "shrnk.edge=5"], "did you mean \"shrink\"?"),
    (
      ["run", "a.csv", "--to", "sandbox", "--set", "shrink.quality=500"], "takes whole number, 1 to"
    ),
    (["run", "missing.csv", "--to", "sandbox"], "missing.csv"),
    (["stages", "show", "shrnk"], "did you mean \"shrink\"?"),
    (["stages", "lst"], "did you mean \"list\"?"),
    (["help", "colums"], "did you mean \"columns\"?"),
  ])
  func oneClearMessageAndCodeTwo(arguments: [String], expected: String) throws {
    let result = try program.start(arguments).wait()
    #expect(result.code == 2, "\(result.errors)")
    #expect(result.errors.contains(expected), "\(result.errors)")
    #expect(result.output.isEmpty)
    #expect(result.errors.split(separator: "\n").count <= 3)
  }

  @Test func aMisspeltColumnNamesTheNearestOne() throws {
    let result = try program.run("run", samples + "/bad-header.csv", "--to", "sandbox")
    #expect(result.code == 2)
    #expect(result.errors.contains("email"), "\(result.errors)")
  }

  @Test func anUnreadableManifestIsRefused() throws {
    let path = folder.folder("is-a-folder.csv")
    let result = try program.run("run", path, "--to", "sandbox")
    #expect(result.code == 2, "\(result.errors)")
  }

  @Test func aPlanErrorNamesLineAndColumn() throws {
    let plan = folder.write(
      "plan.json", "{\"stages\":[\n {\"stage\":\"load\"},\n {\"stage\":\"shrnk\"}]}")
    let result = try program.run("run", samples + "/customers.csv", "--to", plan)
    #expect(result.code == 2)
    #expect(result.errors.contains("line 3, column 11"), "\(result.errors)")
  }

  @Test(arguments: [
    [], ["run"], ["check"], ["stages"], ["stages", "list"], ["stages", "show"], ["ledger"],
    ["ledger", "show"], ["ledger", "verify"], ["sandbox"], ["version"],
  ])
  func everyLevelHasHelp(words: [String]) throws {
    let result = try program.start(words + ["--help"]).wait()
    #expect(result.code == 0)
    #expect(result.output.contains("Usage: docintake"))
    #expect(result.errors.isEmpty)
  }

  @Test(arguments: [["run"], ["stages"], ["stages", "show"], ["ledger", "verify"]])
  func helpBeforeACommandIsHelpBehindIt(words: [String]) throws {
    let before = try program.start(["help"] + words).wait()
    #expect(before.code == 0)
    #expect(before.output == (try program.start(words + ["--help"]).wait().output))
  }

  @Test(arguments: [
    ("run", "part that Slurm or AWS Batch names"), ("run", "soon,fail=10%"),
    ("run", "manifest.csv or manifest.jsonl"), ("check", "[default: dcams]"),
    ("run", "SIGUSR1"), ("sandbox", "stored-images"), ("sandbox", "256 MiB of images"),
    ("sandbox", "1,000 of them whole, 16 MiB of images"),
  ])
  func helpTellsWhatCannotBeGuessed(command: String, text: String) throws {
    #expect(try program.run(command, "--help").output.contains(text))
  }

  /// As a third party's command is: what help, hints and completion tell to type is there under its name.
  @Test func aCommandOfAnotherNameGoesByIt() throws {
    var other = program
    other.executable = folder.path + "/acme-intake"
    #expect(symlink(Program.path, other.executable) == 0)
    #expect(try other.run("--help").output.contains("Usage: acme-intake COMMAND"))
    #expect(try other.run("run", "--help").output.contains("Usage: acme-intake run MANIFEST"))
    let refused = try other.run("run", "a.csv", "--to", "sandbox", "--set", "shrink.edge=0")
    #expect(refused.errors.hasPrefix("acme-intake: ") && refused.errors.contains(" error: option "))
    #expect(refused.errors.contains("see acme-intake stages show shrink"), "\(refused.errors)")
    let script = try other.run("completion", "bash").output
    #expect(script.contains("-F _acme-intake acme-intake") && !script.contains("docintake"))
    let page = try other.run("man", "ledger", "show").output
    #expect(page.hasPrefix(".TH \"ACME\\-INTAKE\\-LEDGER\\-SHOW\" 1"), "\(page)")
    #expect(!page.contains("docintake "))
  }

  @Test func aWorkbookIsToBeExported() throws {
    let name = "docProps/app.xml"
    let head: [UInt8] =
      [0x50, 0x4B, 0x03, 0x04] + [UInt8](repeating: 0, count: 22) + [16, 0, 0, 0]
    let file = folder.write("customers.xlsx", head + Array(name.utf8))
    let result = try program.run("check", file)
    #expect(result.code == 2)
    #expect(result.errors.contains("export the sheet as CSV UTF-8"), "\(result.errors)")
  }

  @Test(arguments: [["stages", "list"], ["run", "--help"], ["completion", "bash"]])
  func aFullDiskBehindStandardOutputIsSaid(words: [String]) throws {
    let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
    try #require(full >= 0)
    defer { close(full) }
    let result = try program.start(words, output: full).wait()
    #expect(result.code == 4)
    #expect(result.errors.contains("no space left on the device"), "\(result.errors)")
  }

  @Test func everyStageCanBeShown() throws {
    let list = try program.run("stages", "list", "--json")
    let names = try #require(list.rows.first?.elements).compactMap { $0["name"]?.string }
    #expect(names == Self.stages)
    for name in names { #expect(try program.run("stages", "show", name).code == 0) }
  }

  @Test func aPortInUseIsSaid() throws {
    let first = try program.start(["sandbox"])
    defer { first.signal(SIGTERM) }
    try first.waitFor("\"port\":")
    let port = try #require(JSONParser.parse(Array(first.text(".out").utf8))["port"]?.integer)
    let second = try program.run("sandbox", "--port", String(port))
    #expect(second.code == 2)
    #expect(second.errors.contains("\(port)"), "\(second.errors)")
  }

  @Test func theVersionNamesTheLibraries() throws {
    #expect(try program.run("-V").output == program.run("version").output)
    let result = try program.run("--version", "--json")
    #expect(result.rows.first?["docintake"]?.string != nil)
    #expect(result.rows.first?.fields?.count ?? 0 >= 5, "\(result.output)")
    #expect(result.rows.first?["libcrypto"]?.string?.contains(".") == true, "\(result.output)")
  }
}
