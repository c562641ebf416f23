import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// Why the target or a program refused a row, in its own words, with nothing of the row in them.
@Suite(.timeLimit(.minutes(20)))
struct RefusalTests {
  private let folder = TemporaryFolder()

  private func run(_ faults: [String], _ more: String..., rows: Int = 1) async throws -> (
    Program.Result, leaks: [String]
  ) {
    let batch = CustomerBatch(rows: rows, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: faults)
    let command = batch.arguments(endpoint: sandbox.endpoint) + more
    let result = try await Program(folder: folder).start(command).wait()
    return (result, try Invariants(batch).violations(sandbox.requests(), [result]))
  }

  private func detail(_ result: Program.Result) throws -> String {
    try #require(result.rows.first { $0["outcome"]?.string != "accepted" }?["detail"]?.string)
  }

  @Test func aMessageThatNoPageDocumentsIsShown() async throws {
    let (result, leaks) = try await run(["422:message=The%20portrait%20is%20blurred@1"])
    #expect(result.code == 3, "\(result.errors)")
    #expect(
      try detail(result) == "the target answered 422; it says \"The portrait is blurred\"")
    #expect(result.errors.contains("The portrait is blurred"))
    #expect(leaks == [])
  }

  @Test(arguments: [
    ("ZANZIBAR%2C%20quetzal0%20is%20known", "[hidden] is known"),
    ("xylophone-way%20and%20Canary-0%40example.com", "[hidden] and [hidden]"),
    ("call%20555%20010%209999%20before%203%20May", "call [hidden] before [hidden]"),
  ])
  func valuesOfTheRowAreHidden(message: String, shown: String) async throws {
    let (result, leaks) = try await run(["400:message=\(message)@1"])
    #expect(try detail(result).hasSuffix("it says \"\(shown)\""), "\(result.output)")
    #expect(leaks == [])
  }

  @Test(arguments: [
    #"{"fn": "Ren\u00e9e", "ln": "M\u00fcller"}"#, "Ren%C3%A9e%20M%C3%BCller",
    "Ren&eacute;e M&#252;ller", "RenÃ©e MÃ¼ller",
  ])
  func aNameIsHiddenHoweverItIsSpelledOut(message: String) async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    batch.write { $1[2...3] = ["Renée", "Müller"] }
    let fault = "400:message=\(PercentText.encoded("bad: " + message))"
    let sandbox = try await SandboxProcess(folder, faults: [fault])
    let result = try await Program(folder: folder).start(batch.arguments(sandbox)).wait()
    #expect(try detail(result).contains("it says \"bad: "), "\(result.output)")
    let shown = result.output + result.errors
    #expect(!shown.contains("Ren") && !shown.contains("ller"), "\(shown)")
  }

  @Test func aSecretIsHiddenHoweverItIsSpelledOut() async throws {
    let secret = #"p@ss"w\ord/Größ-S3cret"#
    let symbols = "§$%&/()=!"
    let message = [secret, symbols].flatMap {
      [
        $0, PercentText.encoded($0), Base64Text.text(Array($0.utf8)),
        Base64Text.urlSafeText(Array($0.utf8)), JSONText.quoted($0),
      ]
    }.joined(separator: " / ")
    let batch = CustomerBatch(rows: 1, in: folder)
    let keys = JSONOutput(fields: [("user", symbols), ("pass", secret)]).text
    folder.write("keys.json", keys)
    let fault = "400:message=\(PercentText.encoded("bad: " + message))"
    let sandbox = try await SandboxProcess(folder, faults: [fault])
    let command = batch.arguments(sandbox, "--show-personal")
    let result = try await Program(folder: folder).start(command).wait()
    let told = try #require(try detail(result).split(separator: "bad: ").last)
    let left = told.replacing(TextMask.mark, with: "")
    #expect(left.filter(\.isLetter) == "", "\(told)")
    #expect(!told.contains("§") && !told.contains("$%"), "\(told)")
  }

  /// The ledger keeps the code alone, whatever is shown; the credentials are not shown at all.
  @Test func onRequestTheMessageIsShownAsItIs() async throws {
    let (result, leaks) = try await run(["echo-secret@1"], "--show-personal")
    #expect(
      try detail(result).hasSuffix(
        "it says \"refused: [hidden] Zanzibar Quetzal0 canary-0@example.com\""),
      "\(result.output)")
    #expect(leaks.allSatisfy { $0.hasSuffix("standard output") || $0.hasSuffix("standard error") })
    #expect(leaks.contains { $0.hasSuffix("standard output") })
  }

  @Test func onRequestALongMessageIsShownInFull() async throws {
    let (result, _) = try await run(["long-message=1500@1"], "--show-personal")
    #expect(try detail(result).hasSuffix(String(repeating: "long ", count: 300) + "long\""))
  }

  /// Rejects every request with what it knows about the customer, and tells standard error more.
  private func telltale() throws -> String {
    let script = """
      #!\(Interpreter.python) -IS
      import json, re, sys
      i = sys.stdin.buffer
      i.readline()
      print('{"intake":1,"kind":"ready","name":"t","accepts":["submission"]}', flush=True)
      for line in i:
          item = json.loads(line)
          body = i.read(item["submission"]["body"]["bytes"]).decode()
          number = re.search(r"canary-(\\d+)", body).group(1)
          words = f"no key for Zanzibar Quetzal{number} canary-{number}@example.com, born 19830417"
          print(words, "at", number, "Xylophone Way", file=sys.stderr, flush=True)
          answer = {"kind": "reject", "id": item["id"], "code": "no_key", "detail": words}
          print(json.dumps(answer), flush=True)
      """
    let path = folder.write("telltale.py", script)
    try DurableFile.makeExecutable(path)
    return path
  }

  @Test(arguments: [false, true])
  func aProgramsWordsAreShownWithoutTheRow(showsPersonal: Bool) async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: [])
    let (log, failed) = (folder.path + "/run.log", folder.path + "/failed.csv")
    let result = try await Program(folder: folder).start(
      batch.arguments(
        sandbox, "--insert", "before:submit",
        "external program=\(try telltale()) accepts=submission", "--verbose", "--log-file", log,
        "--failed", failed)
        + (showsPersonal ? ["--show-personal"] : [])
    ).wait()
    #expect(result.code == 3, "\(result.errors)")
    var invariants = Invariants(batch)
    invariants.files = [log]
    let leaks = try invariants.violations(sandbox.requests(), [result])
    let words =
      showsPersonal
      ? "telltale.py: no_key: no key for Zanzibar Quetzal1 canary-1@example.com, born 19830417"
      : "telltale.py: no_key: no key for [hidden], born [hidden]"
    #expect(result.row("R-1")?["detail"]?.string == words)
    let notes = String(
      decoding: try Descriptor.open(failed).wholeFile(atMost: 1 << 20), as: UTF8.self)
    #expect(notes.contains("refused_by_stage: \(words)"), "\(notes)")
    #expect(leaks.isEmpty != showsPersonal, "\(leaks)")
    #expect(
      result.errors.contains(
        showsPersonal
          ? "born 19830417 at 2 Xylophone Way" : "telltale.py: no key for [hidden], born"),
      "\(result.errors)")
  }

  @Test func aTerminalIsNotToldAnythingAndALongMessageIsCut() async throws {
    let (result, leaks) = try await run(["escapes@1", "long-message@2"], rows: 2)
    #expect(!(result.output + result.errors).contains { "\u{1B}\u{7}\u{9B}".contains($0) })
    #expect(result.rows.count { $0["detail"]?.string?.hasSuffix("long long …\"") == true } == 1)
    #expect(result.rows.allSatisfy { $0["detail"]?.string?.count ?? 0 < 500 })
    #expect(leaks == [])
  }

  /// A row that is left in doubt says what the target said, too.
  @Test func afterAServerErrorTheMessageIsShown() async throws {
    let (result, leaks) = try await run(["500:message=Out%20of%20paper@1"], "--ambiguous", "hold")
    #expect(result.rows.contains { $0["detail"]?.string?.contains("Out of paper") == true })
    #expect(leaks == [])
  }

  /// An acceptance has no message, but its words could name somebody just as well.
  @Test func aWordThatIsAValueOfTheRowIsShownNowhere() async throws {
    let (result, leaks) = try await run(["word=QUETZAL0@1"])
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.rows.first?["status"]?.string == "unknown", "\(result.output)")
    #expect(result.rows.first?["type"]?.string == "unknown")
    #expect(leaks == [])
    #expect(!(result.output + result.errors).contains("QUETZAL"))
  }

  @Test func aCreateThatFindsNoCustomerIsNotToldToCreateOne() async throws {
    let (result, _) = try await run(["404@1"])
    #expect(result.rows.first?["code"]?.string == "customer_not_found", "\(result.errors)")
    #expect(result.rows.first?["hint"]?.string?.contains("may create customers") == true)
  }

  /// The body as it was sent, credentials included.
  @Test func aBodyThatIsTooLargeIsNamedWithItsSize() async throws {
    let (result, _) = try await run(["413@1"])
    let size = try #require(result.rows.first?["bodyBytes"]?.integer)
    #expect(try detail(result).contains("413 to a body of \(size) bytes"), "\(result.output)")
  }
}
