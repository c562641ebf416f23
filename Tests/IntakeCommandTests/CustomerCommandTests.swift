import IntakeCore
import IntakeSandbox
import TestSupport
import Testing

/// `docintake customer`: one customer, one request, through the built command.
@Suite(.timeLimit(.minutes(20)))
struct CustomerCommandTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  @Test func aRunningSandboxIsAskedUnderItsOwnName() async throws {
    let sandbox = try await SandboxProcess(folder)
    let keys = folder.write("keys.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let sent = try await program.run(
      "run", Program.samples + "/customers.csv", "--to", "dcams", "--endpoint", sandbox.endpoint,
      "--credentials", keys, "--limit", "1")
    #expect(sent.code == 0, "\(sent.errors)")
    let place = ["--to", "sandbox", "--endpoint", sandbox.endpoint]
    let email = ["--email", "renee.damico@example.com"]
    let set = try await program.start(
      ["customer", "set-status", "--status", "PASS"] + email + place
    ).wait()
    #expect(set.code == 0, "\(set.errors)")
    let status = try await program.start(["customer", "status"] + email + place).wait()
    #expect(status.rows.first?["status"]?.string == "PASS")
    let manifest = ["--manifest", Program.samples + "/customers.csv", "--row"]
    let row = try await program.start(["customer", "status"] + manifest + ["C-1001"] + place).wait()
    #expect(row.rows.first?["status"]?.string == "PASS", "\(row.errors)")
    let unknown = try await program.start(["customer", "status"] + manifest + ["C-1"] + place)
      .wait()
    #expect(unknown.code == 3 && unknown.errors.contains("no row with the id C-1\n"))
    let images = folder.path + "/images"
    let fetched = try await program.start(
      ["customer", "images", "--output", images] + email + place
    ).wait()
    #expect(fetched.code == 0, "\(fetched.errors)")
    #expect(folder.files().count { $0.hasPrefix(images + "/") } == 2)
    let asked = try sandbox.requests().count
    let again = try await program.start(
      ["customer", "images", "--output", images] + email + place
    ).wait()
    #expect(again.code == 2 && again.errors.contains(".jpg is there already"), "\(again.errors)")
    #expect(try sandbox.requests().count == asked)
  }

  /// As in a run: what may have been accepted is in doubt, and what was answered had been sent.
  @Test(arguments: [
    ("truncated-json", 5, "ask the target"), ("html", 5, "ask the target"),
    ("empty", 5, "ask the target"), ("array", 5, "ask the target"),
    ("reset-after-read", 5, "ask the target"), ("500", 5, "ask the target"),
    ("504:html", 5, "ask the target"), ("redirect", 3, "a redirect"),
    ("429:message=renee.damico%40example.com%20again", 3, "it says \"[hidden] again\""),
    ("503:retry-after=9", 3, "run the same command again later"),
    ("401:message=Locked%20until%20noon", 3, "it says \"Locked until noon\""),
  ])
  func aStatusThatWasNotConfirmedIsSaidToBeInDoubt(fault: String, code: Int, words: String)
    async throws
  {
    let sandbox = try await SandboxProcess(folder, faults: [fault + "@2-3"])
    let keys = folder.write("keys.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let place = ["--to", "dcams", "--endpoint", sandbox.endpoint, "--credentials", keys]
    let customers = Program.samples + "/customers.csv"
    let sent = try await program.start(["run", customers, "--limit", "1"] + place).wait()
    #expect(sent.code == 0, "\(sent.errors)")
    let email = ["--email", "renee.damico@example.com"]
    let set = try await program.start(
      ["customer", "set-status", "--status", "PASS"] + email + place
    ).wait()
    #expect(Int(set.code) == code, "\(set.errors)")
    #expect(fault == "array" || set.errors.contains(words), "\(set.errors)")
    // A question leaves nothing in doubt.
    let asked = try await program.start(["customer", "status"] + email + place).wait()
    #expect(asked.code == 3, "\(asked.errors)")
    // There is no batch that any of these could be about.
    for word in ["ledger", "rows", "--rate", "--concurrency", "reconcile", "the run", "renee"] {
      #expect(!(set.errors + asked.errors).contains(word), "\(set.errors)\(asked.errors)")
    }
  }

  @Test(arguments: [
    (
      ["status", "--email", "a@example.com", "--to", "dcams"],
      ["user": "vuserX9", "pass": "p@ss-Wörd/1"]
    ),
    (["get", "--id", "N-1", "--to", "noah"], ["apiKey": "apikey_sandbox_hunter2"]),
  ])
  func anAnswerThatRepeatsTheRequestShowsNoSecret(words: [String], keys: [String: String])
    async throws
  {
    let told = keys.values.flatMap {
      [$0, PercentText.encoded($0), Base64Text.text(Array($0.utf8)), JSONText.quoted($0)]
    }
    let message = "in a@example.com: " + told.joined(separator: " ")
    let sandbox = try await SandboxProcess(
      folder, faults: ["400:message=\(PercentText.encoded(message))"])
    let isNoah = words.contains("noah")
    let result = try await program.start(
      ["customer"] + words + [
        "--endpoint", isNoah ? sandbox.address + "/v1" : sandbox.endpoint, "--credentials",
        folder.write("keys.json", keys.json.text),
      ]
    ).wait()
    #expect(result.code == 3, "\(result.errors)")
    #expect(result.output.contains("in a@example.com: [hidden]"), "\(result.output)")
    for text in told + ["vuser", "ss-W", "hunter"] {
      #expect(!(result.output + result.errors).contains(text), "\(result.output)")
    }
  }

  /// Whoever sets a status must not set that of somebody else.
  @Test func aRowThatARunWouldRefuseNamesNobody() async throws {
    let batch = CustomerBatch(rows: 6, in: folder)
    batch.write { number, cells in
      if number == 1 { cells[1] = CustomerBatch.email(0) }
      if number == 3 { cells[0] = CustomerBatch.id(2) }
      if number == 4 { cells[1] = "canary-4" }
    }
    let sandbox = try await SandboxProcess(folder)
    let command = ["customer", "set-status", "--status", "FAIL", "--to", "sandbox", "--endpoint"]
    for (number, words) in [
      (1, "line 3 (R-1): conflicting_row: email is the same as at line 2"),
      (2, "the rows at lines 4 and 5 have the id R-2"),
      (4, "line 6 (R-4): invalid_value: email isn't a valid e-mail address"),
    ] {
      let result = try await program.start(
        command + [
          sandbox.endpoint, "--manifest", batch.manifest, "--row", CustomerBatch.id(number),
        ]
      ).wait()
      #expect(result.code == 3 && result.errors.contains(words), "\(result.errors)")
    }
    let both = try await program.start(
      command + [
        sandbox.endpoint, "--manifest", batch.manifest, "--row", "R-5", "--email", "a@example.com",
      ]
    ).wait()
    #expect(both.code == 2 && both.errors.contains("each name a customer"), "\(both.errors)")
    #expect(try sandbox.requests().isEmpty)
  }

  /// The question needs the address alone, and takes what the run took.
  @Test func aRowIsFoundAsARunReadsItWhateverIsWrongWithItsOtherCells() async throws {
    let batch = CustomerBatch(rows: 2, in: folder)
    batch.write { _, cells in cells[5] = "4/17/1983" }
    let sandbox = try await SandboxProcess(folder)
    let format = ["--date-format", "MM/DD/YYYY"]
    let sent = try await program.start(batch.arguments(sandbox) + format).wait()
    #expect(sent.code == 0, "\(sent.errors)")
    let command = [
      "customer", "status", "--to", "sandbox", "--endpoint", sandbox.endpoint, "--manifest",
      batch.manifest, "--row", "R-1",
    ]
    let asked = try await program.start(command + format).wait()
    #expect(asked.code == 0, "\(asked.errors)")
    batch.write { _, cells in (cells[5], cells[6]) = ("19831317", "../scan.jpg") }
    var settled = program
    settled.environment = ["DOCINTAKE_DATE_FORMAT": "MM/DD/YYYY"]
    let again = try await settled.start(command).wait()
    #expect(again.code == 0, "\(again.errors)")
    #expect(again.rows.first?["status"]?.string == asked.rows.first?["status"]?.string)
    #expect(
      again.errors.contains("settings: date-format from DOCINTAKE_DATE_FORMAT"),
      "\(again.errors)")
  }

  /// An image that the sandbox has dropped is not "no image".
  @Test func anImageThatIsNoLongerKeptIsAnError() async throws {
    var configuration = SandboxConfiguration()
    configuration.keptImageBytes = TinyScan.bytes.count
    let sandbox = try Sandbox(configuration)
    try sandbox.start()
    let batch = CustomerBatch(rows: 2, in: folder)
    let sent = try await program.start(
      batch.arguments(endpoint: sandbox.dcamsEndpoint) + ["--concurrency", "1"]
    ).wait()
    #expect(sent.code == 0, "\(sent.errors)")
    var answers: [Program.Result] = []
    for number in 0..<2 {
      answers.append(
        try await program.run(
          "customer", "images", "--email", CustomerBatch.email(number), "--to", "sandbox",
          "--endpoint", sandbox.dcamsEndpoint, "--output", folder.path + "/images-\(number)"))
    }
    // Which of the two came first is nobody's promise.
    #expect(answers.map(\.code).sorted() == [0, 3], "\(answers)")
    let refused = try #require(answers.first { $0.code == 3 }?.rows.first)
    // The first words hold the sandbox's password.
    let message = refused["message"]?.string
    #expect(message == "The [hidden] no longer keeps this image (front)")
    sandbox.stop()
  }

  @Test func noahsSandboxIsAskedForACustomer() async throws {
    let sandbox = try await SandboxProcess(folder)
    let keys = folder.write("keys.json", #"{"apiKey":"apikey_sandbox_x"}"#)
    let noah = ["--endpoint", sandbox.address + "/v1"]
    let sent = try await program.start(
      ["run", Program.samples + "/noah.csv", "--to", "noah", "--credentials", keys] + noah
    ).wait()
    #expect(sent.code == 0, "\(sent.errors)")
    let got = try await program.start(
      ["customer", "get", "--id", "N-2001", "--to", "noah-sandbox"] + noah
    ).wait()
    #expect(got.code == 0, "\(got.errors)")
    #expect(got.rows.first?["CustomerID"]?.string == "N-2001")
    let missing = try await program.start(
      ["customer", "get", "--id", "nobody", "--to", "noah-sandbox"] + noah
    ).wait()
    #expect(missing.code == 3)
  }

  @Test(arguments: [
    (["status", "--email", "a@example.com", "--to", "noah"], "only dcams answers this"),
    (["status", "--row", "C-1001", "--to", "dcams"], "--manifest and --row belong together"),
    (["get", "--id", "N-1", "--to", "dcams"], "only noah answers this"),
    (["status", "--email", "a@example.com", "--to", "sandbox"], "ask one that is running"),
    (["get", "--id", "N-1", "--to", "noa"], "did you mean"),
  ])
  func aTargetThatCannotAnswerIsRefused(words: [String], message: String) async throws {
    let result = try await program.start(["customer"] + words).wait()
    #expect(result.code == 2)
    #expect(result.errors.contains(message), "\(result.errors)")
  }

  @Test(arguments: ["ann:hunter2", "hunter2", "apikey_prod_hunter2", "no/such/hunter2"])
  func whatWasTakenForAFileIsNeverRepeated(given: String) async throws {
    for words in [
      ["customer", "status", "--email", "a@example.com"],
      ["run", Program.samples + "/customers.csv", "--to", "dcams"],
    ] {
      let result = try await program.start(words + ["--credentials", given]).wait()
      #expect(result.code == 2)
      #expect(result.errors.contains("the credentials file does not exist"), "\(result.errors)")
      #expect(!(result.errors + result.output).contains("hunter2"))
    }
  }

  @Test func aStatusColumnThatIsNotSentIsSaidOnce() async throws {
    let manifest = folder.write(
      "m.csv",
      """
      email,front,status
      a@example.com,images/small-front.jpg,PASS
      b@example.com,images/small-back.jpg,FAIL

      """)
    let result = try await program.run(
      "run", manifest, "--images-root", Program.samples, "--to", "sandbox")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.split(separator: "did you mean --operation updateStatus?").count == 2)
  }

  /// An idempotent PUT may be repeated; one that never gets an answer stays in doubt.
  @Test(arguments: [
    (["500@1"], 0, ["accepted": 1]), (["close-after-accept@1"], 0, ["accepted": 1]),
    (["500@1", "400@2"], 5, ["in_doubt": 1]), (["500"], 5, ["in_doubt": 1]),
    (["html@1"], 5, ["in_doubt": 1]),
  ])
  func aPutThatWasNotAnsweredIsRepeated(
    faults: [String], code: Int, outcomes: [String: Int]
  ) async throws {
    let sandbox = try await SandboxProcess(folder, faults: faults)
    let keys = folder.write("keys.json", #"{"apiKey":"apikey_sandbox_x"}"#)
    let result = try await program.run(
      "run", Program.samples + "/noah.csv", "--to", "noah", "--credentials", keys, "--endpoint",
      sandbox.address + "/v1", "--limit", "1", "--ambiguous", "hold", "--retries", "2")
    #expect(Int(result.code) == code, "\(result.errors)")
    #expect(result.outcomes == outcomes)
    let puts = try sandbox.requests().count { $0.service == "putCustomer" }
    #expect(puts == (faults == ["500"] ? 3 : faults == ["html@1"] ? 1 : 2))
  }
}
