import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// One question, one command: `ledger list`, `history` and `ledger show --left`.
@Suite(.timeLimit(.minutes(5)))
struct HistoryTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }
  private func ledger(_ sandbox: SandboxProcess) -> String {
    "\(folder.path)/state/docintake/dcams-loopback-\(sandbox.port).ledger.jsonl"
  }

  private func run(_ batch: CustomerBatch, _ sandbox: SandboxProcess, _ more: String...)
    async throws -> Program.Result
  {
    try await program.start(
      [
        "run", batch.manifest, "--to", "dcams", "--endpoint", sandbox.endpoint, "--credentials",
        batch.credentials, "--concurrency", "1", "--settle-after", "0",
      ] + more
    ).wait()
  }

  @Test func everyLedgerIsListedWithItsRowsAndItsLastRun() async throws {
    #expect(try await program.run("ledger", "list").output.isEmpty)
    let sandbox = try await SandboxProcess(folder, faults: ["400@2"])
    let batch = CustomerBatch(rows: 3, in: folder)
    #expect(try await run(batch, sandbox).code == 3)
    #expect(try await run(batch, sandbox, "--only", "failed", "--limit", "2").code == 0)
    #expect(try await run(batch, sandbox, "--shard", "1/2").code == 0)
    let list = try await program.run("ledger", "list")
    #expect(list.code == 0, "\(list.errors)")
    try #require(list.rows.count == 2)
    let (part, whole) = (list.rows[0], list.rows[1])
    #expect(part["shard"]?.string == "1/2")
    #expect(whole["ledger"]?.string == ledger(sandbox))
    #expect(whole["target"]?.string == "dcams:loopback")
    #expect(whole["rows"]?["accepted"]?.integer == 3)
    #expect(whole["runs"]?.integer == 2)
    let last = try #require(whole["lastRun"])
    #expect(last["number"]?.integer == 2)
    #expect(last["options"]?.string == "only=failed,limit=2")
    // One that leaves rows out on purpose did not come to the end of the manifest.
    #expect(last["ending"]?.string == "stopped")
    #expect(last["tool"]?.string?.hasPrefix("docintake-") == true)
    #expect(last["outcomes"]?["accepted"]?.integer == 1)
    #expect(part["lastRun"]?["ending"]?.string == "complete")
  }

  @Test func aRunThatWasKilledAndOneThatIsAtWorkAreToldApart() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["hang@2"])
    let batch = CustomerBatch(rows: 3, in: folder)
    let running = try program.start([
      "run", batch.manifest, "--to", "dcams", "--endpoint", sandbox.endpoint, "--credentials",
      batch.credentials, "--concurrency", "1",
    ])
    try await running.waitFor("\"accepted\"")
    let during = try await program.run("ledger", "list")
    #expect(during.rows.first?["lastRun"]?["ending"]?.string == "running", "\(during.errors)")
    running.signal(9)
    _ = try await running.wait()
    let after = try await program.run("ledger", "list")
    #expect(after.rows.first?["lastRun"]?["ending"]?.string == "killed", "\(after.errors)")
  }

  @Test func aLedgerThatCannotBeReadDoesNotHideTheOthers() async throws {
    let sandbox = try await SandboxProcess(folder)
    let batch = CustomerBatch(rows: 1, in: folder)
    #expect(try await run(batch, sandbox).code == 0)
    folder.write("state/docintake/a-broken.ledger.jsonl", "{\"not\":\"a ledger\"}\n")
    let list = try await program.run("ledger", "list")
    #expect(list.code == 6)
    #expect(list.rows.count == 1)
    #expect(list.errors.contains("a-broken"), "\(list.errors)")
  }

  @Test func aHistoryTellsEveryAttempt() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["400@1", "drop-after-accept@2"])
    let batch = CustomerBatch(rows: 2, in: folder)
    #expect(try await run(batch, sandbox, "--ambiguous", "hold").code == 5)
    #expect(try await run(batch, sandbox).code == 0)
    let history = try await program.run("history", "R-0")
    #expect(history.code == 0, "\(history.errors)")
    try #require(history.rows.count == 3, "\(history.output)")
    #expect(history.rows.map { $0["run"]?.integer } == [1, 2, nil])
    #expect(history.rows[0]["outcome"]?.string == "rejected")
    #expect(history.rows[0]["http"]?.integer == 400)
    #expect(history.rows[0]["code"]?.string != nil)
    #expect(history.rows[1]["outcome"]?.string == "accepted")
    #expect(history.rows[2]["standing"]?.string == "accepted")
    #expect(history.rows[2]["since"]?.string != nil)
    #expect(history.rows[2]["next"]?.string?.contains("already_accepted") == true)
    // The doubt of the second row was settled by asking.
    let other = try await program.run("history", "R-1")
    #expect(other.rows.map { $0["outcome"]?.string ?? "" }.first == "in_doubt")
    #expect(
      other.rows.contains { $0["by"]?.string?.hasPrefix("target:") == true }, "\(other.output)")
  }

  @Test func aCustomerIsFoundByEveryName() async throws {
    let sandbox = try await SandboxProcess(folder)
    let batch = CustomerBatch(rows: 3, in: folder)
    let key = try #require(try await run(batch, sandbox).row("R-1")?["key"]?.string)
    let wanted = try await program.run("history", "R-1").output
    #expect(wanted.contains(key))
    for name in [key, CustomerBatch.email(1), CustomerBatch.email(1).uppercased(), "3"] {
      #expect(try await program.run("history", name).output == wanted, "\(name)")
    }
    let input = folder.write("name.txt", CustomerBatch.email(1) + "\n")
    #expect(try await program.run("history", "-", input: input).output == wanted)
    #expect(try await program.run("history", "R-1", "--ledger", ledger(sandbox)).output == wanted)
    #expect(!wanted.contains("canary-"))
    let nobody = try await program.run("history", "canary-9@example.com")
    #expect(nobody.code == 3)
    #expect(!nobody.errors.contains("canary-"), "\(nobody.errors)")
  }

  @Test func whatARunWouldStillSendIsLeft() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["400@2"])
    let batch = CustomerBatch(rows: 4, in: folder)
    #expect(try await run(batch, sandbox, "--limit", "3").code == 3)
    batch.write { number, cells in if number == 0 { cells[4] = "9 Xylophone Way" } }
    let ledger = ledger(sandbox)
    let before = try #require(try? Descriptor.open(ledger).wholeFile(atMost: 1 << 20))
    let target = ["--to", "dcams", "--endpoint", sandbox.endpoint]
    for arguments in [[ledger], [ledger] + target, target] {
      let left = try await program.start(
        ["ledger", "show", "--left", batch.manifest] + arguments
      ).wait()
      #expect(left.code == 3, "\(left.errors)")
      #expect(
        left.rows.map { $0["id"]?.string }.sorted { $0 ?? "" < $1 ?? "" } == ["R-0", "R-1", "R-3"])
      #expect(left.row("R-0")?["code"]?.string == "changed_after_acceptance")
      #expect(left.row("R-1")?["outcome"]?.string == "ready")
    }
    #expect(try Descriptor.open(ledger).wholeFile(atMost: 1 << 20) == before)
    let bare = try await program.run("ledger", "show", "--left", batch.manifest)
    #expect(bare.code == 2)
    #expect(bare.errors.contains("--to TARGET"), "\(bare.errors)")
    #expect(try await program.run("ledger", "show").code == 2)
  }
}
