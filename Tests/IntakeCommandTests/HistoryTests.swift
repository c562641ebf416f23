import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// One question, one command: `ledger list`, `history` and `ledger show --left`.
@Suite(.timeLimit(.minutes(20)))
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
    var homeless = program
    homeless.environment = ["HOME": "", "XDG_STATE_HOME": ""]
    let refused = try await homeless.run("ledger", "list")
    #expect(refused.code == 2)
    #expect(refused.errors.contains("set HOME or XDG_STATE_HOME"), "\(refused.errors)")
    #expect(!refused.errors.contains("--ledger"), "\(refused.errors)")
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
      batch.credentials, "--concurrency", "1", "--set", "submit.timeout=600",
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
    let first = try await run(batch, sandbox, "--ambiguous", "hold")
    #expect(first.code == 5, "\(first.errors)")
    func id(_ outcome: String) throws -> String {
      try #require(first.rows.first { $0["outcome"]?.string == outcome }?["id"]?.string)
    }
    #expect(try await run(batch, sandbox).code == 0)
    let history = try await program.run("history", id("rejected"))
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
    let other = try await program.run("history", id("in_doubt"))
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
    let byLine = try await program.run("history", "3")
    #expect(byLine.errors.contains("no row has the id 3: this is about rows on line 3"))
    let input = folder.write("name.txt", CustomerBatch.email(1) + "\n")
    #expect(try await program.run("history", "-", input: input).output == wanted)
    #expect(try await program.run("history", "R-1", "--ledger", ledger(sandbox)).output == wanted)
    #expect(!wanted.contains("canary-"))
    let nobody = try await program.run("history", "canary-9@example.com")
    #expect(nobody.code == 3)
    #expect(!nobody.errors.contains("canary-"), "\(nobody.errors)")
  }

  @Test func aMergeNamesTheShardThatHadNothingToDo() async throws {
    let sandbox = try await SandboxProcess(folder)
    let batch = CustomerBatch(rows: 12, in: folder)
    let ledgers = [1, 2].map { "\(folder.path)/\($0).ledger" }
    for part in [1, 2, 2] {
      let run = try await run(
        batch, sandbox, "--shard", "\(part)/2", "--ledger", ledgers[part - 1])
      #expect(run.code == 0, "\(run.errors)")
    }
    let merged = try await program.start(
      ["ledger", "merge"] + ledgers + ["--output", folder.path + "/all.ledger"]
    ).wait()
    #expect(merged.code == 0, "\(merged.errors)")
    #expect(
      merged.errors.contains("shard 2/2, \(ledgers[1]), had nothing to do"), "\(merged.errors)")
    #expect(!merged.errors.contains("shard 1/2"), "\(merged.errors)")
  }

  @Test func rowsThatNeedNothingAfterAllDoNotCountForTheLimit() async throws {
    let sandbox = try await SandboxProcess(folder)
    let batch = CustomerBatch(rows: 20, in: folder)
    #expect(try await run(batch, sandbox, "--limit", "17").code == 0)
    // The same bytes with another time of change, as in a copy of the folder: each row has to be looked at.
    folder.write("scan.jpg", TinyScan.bytes)
    let second = try await run(batch, sandbox, "--limit", "2")
    #expect(second.code == 0, "\(second.errors)")
    #expect(second.outcomes == ["skipped": 17, "accepted": 2])
    #expect(try sandbox.requests().count == 19)
  }

  @Test func aShardKnowsWhatARunOverTheWholeBatchHasSentAndTheReverse() async throws {
    let sandbox = try await SandboxProcess(folder)
    let batch = CustomerBatch(rows: 8, in: folder)
    #expect(try await run(batch, sandbox, "--limit", "4").code == 0)
    for shard in ["1/2", "2/2", "1/3"] {
      let part = try await run(batch, sandbox, "--shard", shard)
      #expect(part.code == 0, "\(part.errors)")
      let notice = part.errors.contains("what stands in other ledgers of this target counts: ")
      #expect(notice, "\(part.errors)")
    }
    let whole = try await run(batch, sandbox)
    #expect(whole.code == 0 && whole.outcomes == ["skipped": 8], "\(whole.errors)")
    #expect(try sandbox.requests().count == 8)
    let rehearsal = try await run(batch, sandbox, "--shard", "3/3", "--dry-run")
    #expect(rehearsal.outcomes["ready"] == nil, "\(rehearsal.outcomes)")
    // The ledger of another port of this machine is that of another target.
    let other = try await SandboxProcess(folder)
    let first = try await run(batch, other)
    #expect(first.outcomes == ["accepted": 8] && !first.errors.contains("other ledgers"))
  }

  @Test func whatARunWouldStillSendIsLeft() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["400@2"])
    let batch = CustomerBatch(rows: 4, in: folder)
    let first = try await run(batch, sandbox, "--limit", "3")
    #expect(first.code == 3, "\(first.errors)")
    let refused = try #require(
      first.rows.first { $0["outcome"]?.string == "rejected" }?["id"]?.string)
    let changed = try #require(
      first.rows.first { $0["outcome"]?.string == "accepted" }?["id"]?.string)
    batch.write { number, cells in
      if CustomerBatch.id(number) == changed { cells[4] = "9 Xylophone Way" }
    }
    let ledger = ledger(sandbox)
    let before = try #require(try? Descriptor.open(ledger).wholeFile(atMost: 1 << 20))
    let target = ["--to", "dcams", "--endpoint", sandbox.endpoint]
    for arguments in [[ledger], [ledger] + target, target] {
      let left = try await program.start(
        ["ledger", "show", "--left", batch.manifest] + arguments
      ).wait()
      #expect(left.code == 3, "\(left.errors)")
      let ids = Set(left.rows.compactMap { $0["id"]?.string })
      #expect(ids == [changed, "R-3", refused], "\(left.output)")
      #expect(left.row(changed)?["code"]?.string == "changed_after_acceptance")
      #expect(left.row(refused)?["outcome"]?.string == "ready")
    }
    #expect(try Descriptor.open(ledger).wholeFile(atMost: 1 << 20) == before)
    let bare = try await program.run("ledger", "show", "--left", batch.manifest)
    #expect(bare.code == 2)
    #expect(bare.errors.contains("--to TARGET"), "\(bare.errors)")
    #expect(try await program.run("ledger", "show").code == 2)
  }
}
