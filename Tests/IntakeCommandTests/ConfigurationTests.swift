import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Options from files of settings, profiles and the environment.
@Suite(.timeLimit(.minutes(20)))
struct ConfigurationTests {
  private let folder = TemporaryFolder()

  /// `batch/week/status.csv`; the project's file is in `batch`.
  private var manifest: String { folder.path + "/batch/week/status.csv" }

  init() {
    for name in ["batch", "batch/week", "home", "home/docintake"] { _ = folder.folder(name) }
    folder.write(
      "batch/week/status.csv",
      "id,email,status\nA-1,ann@example.com,PASS\nA-2,bo@example.com,FAIL\n")
  }

  /// The command with the files that count, unlike in other tests.
  private func program(_ environment: [String: String] = [:]) -> Program {
    var program = Program(folder: folder)
    program.environment = ["DOCINTAKE_CONFIG": "", "XDG_CONFIG_HOME": folder.path + "/home"]
      .merging(environment) { $1 }
    return program
  }

  private func project(_ text: String) { folder.write("batch/.docintake.json", text) }
  private func user(_ text: String) { folder.write("home/docintake/config.json", text) }

  /// What `config show` says of each setting that is no default: value and the end of its origin.
  private func shown(_ words: String..., environment: [String: String] = [:]) async throws
    -> [String: [String]]
  {
    let result = try await program(environment).start(
      ["config", "show", manifest, "--json"] + words
    ).wait()
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    var settings: [String: [String]] = [:]
    for row in result.rows where row["origin"]?.string != "default" {
      let origin = row["origin"]?.string?.split(separator: "/").last ?? ""
      settings[row["name"]?.string ?? "", default: []].append(
        "\(row["value"]?.string ?? "") \(origin)")
    }
    return settings
  }

  @Test func eachPlaceWinsOverThoseBehindIt() async throws {
    user(
      #"{"rate": 1, "concurrency": 1, "retries": 1, "profiles": {"p": {"rate": 2, "retries": 2}}}"#)
    #expect(
      try await shown() == [
        "rate": ["1 config.json:1"], "concurrency": ["1 config.json:1"],
        "retries": ["1 config.json:1"],
      ])
    project("{\n\"rate\": 3,\n\"concurrency\": 3, \"profiles\": {\"p\": {\"rate\": \"4/s\"}}}")
    #expect(
      try await shown() == [
        "rate": ["3 .docintake.json:2"], "concurrency": ["3 .docintake.json:3"],
        "retries": ["1 config.json:1"],
      ])
    #expect(
      try await shown("--profile", "p", environment: ["DOCINTAKE_CONCURRENCY": "5"]) == [
        "rate": ["4/s .docintake.json:3, profile p"], "concurrency": ["5 DOCINTAKE_CONCURRENCY"],
        "retries": ["2 config.json:1, profile p"],
      ])
    #expect(
      try await shown(environment: ["DOCINTAKE_PROFILE": "p"])["rate"] == [
        "4/s .docintake.json:3, profile p"
      ])
  }

  /// A folder with scans may come from anybody, with a file of settings in it.
  @Test(arguments: [
    #""to": "dcams", "credentials": "command:touch /tmp/docintake-was-run""#,
    #""to": "dcams", "endpoint": "https://collector.example/""#, #""to": "plan.json""#,
    #""notify": "./tell""#, #""proxy": "http://collector.example:3128""#,
    #""isolation": "off""#, #""metrics": "../.profile""#, #""ca-file": "their.pem""#,
    #""ambiguous": "resend""#, #""images-root": "..""#, #""images-root": "/home""#,
  ])
  func whatCameWithABatchNamesNoProgramAndNoOtherMachine(settings: String) async throws {
    let text = "{\(settings)}"
    project(text)
    let found = try await program().run("run", manifest, "--to", "sandbox")
    #expect(
      found.code == 2 && found.errors.contains("in a file beside the manifest"), "\(found.errors)")
    #expect(found.errors.contains("--config "))
    project("{}")
    user(text)
    let own = try await program().run("config", "show", manifest)
    #expect(own.code == 0, "\(own.errors)")
    let named = try await program().run(
      "config", "show", manifest, "--config", folder.path + "/home/docintake/config.json")
    #expect(named.code == 0, "\(named.errors)")
  }

  @Test func anEndpointOnThisMachineMayComeWithABatch() async throws {
    project(#"{"to": "dcams", "endpoint": "http://127.0.0.1:9/", "credentials": "a.json"}"#)
    let result = try await program().run("config", "show", manifest)
    #expect(result.code == 0 && result.output.contains("http://127.0.0.1:9/"), "\(result.errors)")
  }

  @Test func aRunTakesThemAndSaysSo() async throws {
    project(#"{"to": "sandbox", "operation": "updateStatus", "profiles": {"dear": {"rate": 9}}}"#)
    let result = try await program().run("run", manifest, "--profile", "dear")
    #expect(result.code == 3, "\(result.errors)")
    #expect(result.outcomes == ["rejected": 2], "\(result.output)")
    let place = folder.path + "/batch/.docintake.json"
    #expect(
      result.errors.contains(
        "notice: settings: rate from \(place) (profile dear); to, operation from \(place)\n"),
      "\(result.errors)")
    let alone = try await program().run("run", manifest, "--config", "none")
    #expect(alone.code == 2 && alone.errors.contains("--to is missing"), "\(alone.errors)")
  }

  /// What was typed stands last, so that it wins where both name the same option of a stage.
  @Test func listsAddUpAndTheCommandLineIsLast() async throws {
    user(#"{"set": "shrink.edge=700"}"#)
    project(#"{"to": "sandbox", "set": ["shrink.edge=800", "shrink.quality=70"]}"#)
    let both = try await program().run("run", manifest, "--print-plan")
    #expect(both.output.contains(#""edge":800"#) && both.output.contains(#""quality":70"#))
    let typed = try await program().run(
      "run", manifest, "--print-plan", "--set", "shrink.edge=900")
    #expect(typed.output.contains(#""edge":900"#), "\(typed.output)")
  }

  @Test func aFlagCanBeTakenBack() async throws {
    project(#"{"to": "sandbox", "operation": "updateStatus", "map-known": true}"#)
    folder.write("batch/week/status.csv", "Reference,E-mail,Status\n7,ann@example.com,PASS\n")
    #expect(try await program().run("check", manifest).code == 0)
    let without = try await program(["DOCINTAKE_MAP_KNOWN": "false"]).run("check", manifest)
    #expect(without.code == 2, "\(without.errors)")
  }

  /// An address and credentials are for the target beside them and for no other.
  @Test func whatBelongsToATargetStaysWithIt() async throws {
    let elsewhere = "http://127.0.0.1:9/invalid"
    project(#"{"to": "dcams", "endpoint": "\#(elsewhere)", "credentials": "x.json", "rate": 9}"#)
    let typed = try await program().run("run", manifest, "--to", "sandbox", "--print-plan")
    #expect(typed.code == 0 && !typed.output.contains("invalid"), "\(typed.output)")
    #expect(!typed.output.contains("x.json"))
    #expect(typed.errors.contains("settings: rate from "), "\(typed.errors)")
    let same = try await program().run("run", manifest, "--to", "dcams", "--print-plan")
    // The path starts at the file's folder.
    #expect(same.output.contains(elsewhere) && same.output.contains("/batch/x.json"))
    project(#"{"rate": 9}"#)
    for name in ["ENDPOINT", "CREDENTIALS"] {
      let alone = try await program(["DOCINTAKE_" + name: elsewhere]).run("check", manifest)
      #expect(alone.code == 2 && alone.errors.contains("none is named beside it"))
    }
  }

  /// A ledger in settings is that of the runs; a check looks at the manifest alone unless it is told to.
  @Test func aCheckLooksAtALedgerOnlyWhenItIsTold() async throws {
    user(#"{"images-root": "\#(Program.samples)"}"#)
    project(#"{"to": "sandbox", "ledger": "runs.ledger"}"#)
    let customers = folder.path + "/batch/customers.csv"
    let text = try Descriptor.open(Program.samples + "/customers.csv").wholeFile(atMost: 1 << 20)
    folder.write("batch/customers.csv", text)
    #expect(try await program().run("run", customers).outcomes == ["accepted": 6])
    #expect(folder.files().contains(folder.path + "/batch/runs.ledger"))
    #expect(try await program().run("check", customers).outcomes == ["ready": 6])
    let against = try await program().run("check", customers, "--against-ledger")
    #expect(against.outcomes == ["skipped": 6], "\(against.errors)")
    // The ledger knows its target, whatever settings say by now.
    project(#"{"to": "noah"}"#)
    let left = try await program().run(
      "ledger", "show", folder.path + "/batch/runs.ledger", "--left", customers)
    #expect(left.code == 0 && left.output.isEmpty, "\(left.errors)")
  }

  @Test(arguments: [
    ("{\n\"endpoit\": 1}", ".docintake.json:2: there is no setting \"endpoit\", did you mean"),
    ("{\"profiles\": {\"p\": {\n\"rat\": 1}}}", ".docintake.json:2: there is no setting \"rat\""),
    ("{\"limit\": 5}", "\"limit\" is about one run"), ("{\"rate\": true}", "\"rate\" takes a text"),
    ("{\"map-known\": \"yes\"}", "takes true or false"),
    ("{\"progress\": \"bra\"}", "did you mean \"bar\"?"),
    ("[]", "the settings are a list, not an object"),
    ("{\"rate\": 5", ".docintake.json: line 1, column 11"),
    ("{\"endpoint\": \"http://127.0.0.1:9\"}", "endpoint belongs to one target"),
    (
      "{\"set\": [\"submit.endpoint=https://a.example\"]}",
      "\"set\" cannot say what submit.endpoint is"
    ),
    ("{\"profile\": \"prdo\", \"profiles\": {\"prod\": {}}}", "did you mean \"prod\"?"),
    (
      "{\"to\": \"sandbox\", \"rate\": \"quick\"}",
      ".docintake.json:1: --rate takes requests a second"
    ),
  ])
  func whatIsWrongIsSaidWithItsPlace(text: String, expected: String) async throws {
    project(text)
    let result = try await program().run("run", manifest)
    #expect(result.code == 2 && result.errors.contains(expected), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  @Test(arguments: [
    #"{"to": "dcams", "credentials": {"user": "ann", "pass": "hunter2"}}"#,
    #"{"to": "dcams", "credentials": "{\"user\":\"ann\",\"pass\":\"hunter2\"}"}"#,
    #"{"to": "dcams", "credentials": "ann:hunter2"}"#, #"{"pass": "hunter2"}"#,
    #"{"to": "dcams", "endpoint": "https://ann:hunter2@dcams.app/"}"#,
    #"{"proxy": "http://ann:hunter2@proxy:3128"}"#,
  ])
  func credentialsAreRefusedAndNotRepeated(text: String) async throws {
    project(text)
    let result = try await program().run("check", manifest)
    #expect(result.code == 2, "\(result.errors)")
    #expect(result.errors.contains("credentials themselves don't belong here"), "\(result.errors)")
    #expect(!(result.errors + result.output).contains("hunter2"))
  }

  @Test func aFileThatIsNotThereIsSaid() async throws {
    let result = try await program().run("check", manifest, "--config", folder.path + "/no.json")
    #expect(result.code == 2 && result.errors.contains("no.json: there is no such file"))
    #expect(
      result.errors.contains("correct the path; --config none goes on"), "\(result.errors)")
  }

  @Test func aFileThatOthersCanWriteIsRefused() async throws {
    project(#"{"to": "sandbox"}"#)
    chmod(folder.path + "/batch/.docintake.json", 0o606)
    let result = try await program().run("check", manifest)
    #expect(
      result.code == 2 && result.errors.contains("others may write to it"), "\(result.errors)")
    chmod(folder.path + "/batch/.docintake.json", 0o644)
    #expect(try await program().run("check", manifest, "--operation", "updateStatus").code == 0)
    // Whoever may write to the folder can put another file in its place.
    chmod(folder.path + "/batch", 0o777)
    let beside = folder.write("batch/status.csv", "id,email,status\nA-1,ann@example.com,PASS\n")
    let replaceable = try await program().run("check", beside)
    #expect(replaceable.code == 2 && replaceable.errors.contains("may write to a folder above it"))
  }

  /// Nobody's file in a folder that all may write to is found from a folder below.
  @Test func theSearchEndsBelowAFolderForAll() async throws {
    project(#"{"rate": 9}"#)
    #expect(try await shown()["rate"] != nil)
    chmod(folder.path + "/batch", 0o1777)
    #expect(try await shown() == [:])
  }

  @Test func theEnvironmentIsReadWithCare() async throws {
    let one = try await program(["DOCINTAKE_DRY_RUN": "1"]).run("run", manifest, "--to", "sandbox")
    #expect(one.code == 2 && one.errors.contains("DOCINTAKE_DRY_RUN: --dry-run is about one run"))
    let misspelt = try await program(["DOCINTAKE_OPERATOIN": "x"]).run("check", manifest)
    #expect(misspelt.errors.contains("did you mean DOCINTAKE_OPERATION?"), "\(misspelt.errors)")
    let logged = try await program(["DOCINTAKE_LOG_FORMAT": "json"]).run(
      "run", manifest + "x", "--to", "sandbox")
    let lines = logged.errors.split(separator: "\n")
    #expect(logged.code == 2 && lines.allSatisfy { $0.hasPrefix("{\"type\":\"log\"") }, "\(lines)")
  }

  @Test func theStrongestFormOfMessagesCounts() async throws {
    user(#"{"log-format": "json"}"#)
    let words = ["run", manifest + "x", "--to", "sandbox"]
    for (format, start) in [("text", "docintake: "), ("github", "::error::")] {
      let result = try await program(["DOCINTAKE_LOG_FORMAT": format]).start(words).wait()
      #expect(result.code == 2 && result.errors.contains(start), "\(result.errors)")
      #expect(!result.errors.contains("{\"type\""), "\(result.errors)")
    }
  }

  /// A setting means what it means in `run`: `customer images` has an `--output` that is a folder.
  @Test func aNameMeansWhatItMeansInARun() async throws {
    user(#"{"output": "json"}"#)
    let result = try await program().run("customer", "images", "--email", "ann@example.com")
    #expect(
      result.code == 2 && result.errors.contains("--output DIR is missing"), "\(result.errors)")
  }

  /// What is added to `run` is known in files without another word.
  @Test func everyOptionOfARunIsKnown() async throws {
    let page = try await program().run("run", "--help").output
    let names = page.split(separator: "\n").compactMap { line -> Substring? in
      let words = line.split(separator: " ")
      guard line.hasPrefix("  "), words.first?.hasPrefix("-") == true else { return nil }
      return words.first { $0.hasPrefix("--") }?.dropFirst(2)
    }
    #expect(names.count > 40)
    for name in names
    where !["help", "to", "profile", "config", "insert", "replace"].contains(name) {
      project(#"{"to": "sandbox", "\#(name)": null}"#)
      let errors = try await program().run("check", manifest).errors
      #expect(errors.contains(".docintake.json:1"), "\(name): \(errors)")
      #expect(!errors.contains("there is no setting"), "\(name): \(errors)")
    }
  }

  @Test func profilesAreOffered() async throws {
    user(#"{"profiles": {"prod": {}, "test": {}}}"#)
    let offered = try await program().run("completion", "bash", "--", "run", "--profile", "p")
      .output
    #expect(offered.hasPrefix("prod\ta profile in ") && !offered.contains("\ntest"), "\(offered)")
  }
}
