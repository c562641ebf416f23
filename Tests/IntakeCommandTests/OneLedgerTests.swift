import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One ledger a target: where it is, who may use it, and what other ledgers count for.
@Suite(.timeLimit(.minutes(20)))
struct OneLedgerTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  private func place(_ sandbox: SandboxProcess) -> String { keyPlace + "-" + sandbox.port }
  private var keyPlace: String { folder.path + "/state/docintake/dcams-loopback" }

  private func arguments(
    _ batch: CustomerBatch, _ sandbox: SandboxProcess, _ more: String...
  ) -> [String] {
    [
      "run", batch.manifest, "--to", "dcams", "--endpoint", sandbox.endpoint, "--credentials",
      batch.credentials,
    ] + more
  }

  private func text(_ path: String) -> String {
    let bytes = (try? Descriptor.open(path).wholeFile(atMost: 1 << 20)) ?? []
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func theLedgerAndItsKeyAreNamedAfterTheTarget() async throws {
    let batch = CustomerBatch(rows: 2, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let whole = try await program.start(arguments(batch, sandbox)).wait()
    #expect(whole.code == 0, "\(whole.errors)")
    #expect(!whole.errors.contains("new ledger"), "\(whole.errors)")
    let part = try await program.start(arguments(batch, sandbox, "--shard", "1/2")).wait()
    #expect(part.errors.contains("counts: \(place(sandbox)).ledger.jsonl"), "\(part.errors)")
    let files = Set(folder.files().filter { $0.contains("/state/") })
    #expect(
      files == [
        place(sandbox) + "-1of2.ledger.jsonl", place(sandbox) + ".ledger.jsonl", keyPlace + ".key",
      ])
    for file in files { #expect(try AppendOnlyFile.open(file, .reading).permissions() == 0o600) }
    // Both ledgers name a row alike, so they can be compared.
    let keys = Set(whole.rows.compactMap { $0["key"]?.string })
    #expect(part.rows.allSatisfy { keys.contains($0["key"]?.string ?? "") })
    for canary in CustomerBatch.canaries { #expect(!files.contains { text($0).contains(canary) }) }
  }

  @Test func ofTwoRunsThatStartTogetherBothGetTheSameKey() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let ledgers = (0..<4).map { "\(folder.path)/\($0).ledger" }
    let runs = try ledgers.map {
      try program.start(arguments(batch, sandbox, "--ledger", $0, "--concurrency", "1"))
    }
    for run in runs { #expect(try await run.wait().code == 0) }
    let key = text(keyPlace + ".key")
    #expect(key.count == 65)
    // Each has a copy, so that it can be moved.
    for ledger in ledgers { #expect(text(ledger + ".key") == key) }
  }

  /// A container whose HOME is `/`: no folder can be made for the state.
  @Test func aLedgerElsewhereNeedsNoStateDirectory() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    let sandbox = try await SandboxProcess(folder)
    var program = program
    program.environment["XDG_STATE_HOME"] = "/dev/null/state"
    let ledger = folder.path + "/own.ledger"
    let command = arguments(batch, sandbox, "--ledger", ledger)
    #expect(try await program.start(command).wait().code == 0)
    #expect(text(ledger + ".key").count == 65)
    #expect(try await program.start(command).wait().outcomes == ["skipped": 1])
  }

  /// The shared key may be there, and with another one nobody would be recognised.
  @Test func aStateDirectoryThatCannotBeLookedIntoIsNotPassedOver() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    let sandbox = try await SandboxProcess(folder)
    var program = program
    program.environment["XDG_STATE_HOME"] = folder.path + "/loop"
    #expect(symlink("loop", folder.path + "/loop") == 0)
    let result = try await program.start(
      arguments(batch, sandbox, "--ledger", folder.path + "/own.ledger")
    ).wait()
    #expect(result.code == 6 && result.errors.contains("set XDG_STATE_HOME"), "\(result.errors)")
    #expect(try sandbox.requests().isEmpty)
  }

  @Test func aSecondProcessIsToldHowToWaitAndMayWait() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    let sandbox = try await SandboxProcess(folder)
    #expect(try await program.start(arguments(batch, sandbox)).wait().code == 0)
    let holder = try AppendOnlyFile.open(place(sandbox) + ".ledger.jsonl", .appending)
    #expect(try holder.lock())
    let refused = try await program.start(arguments(batch, sandbox)).wait()
    #expect(refused.code == 6, "\(refused.errors)")
    #expect(refused.errors.contains("--wait-for-ledger DURATION"), "\(refused.errors)")
    // That one would know nobody, and everybody would be sent again.
    #expect(!refused.errors.contains("another ledger"), "\(refused.errors)")
    // The run of the last line has ended: whoever has it now wrote no line.
    #expect(refused.errors.contains("in use by another process:"), "\(refused.errors)")
    let waiting = try program.start(arguments(batch, sandbox, "--wait-for-ledger", "5m"))
    try await waiting.waitFor("waiting: ")
    holder.unlock()
    let result = try await waiting.wait()
    #expect(result.code == 0 && result.outcomes == ["skipped": 1], "\(result.errors)")
  }

  /// The whole batch, and the halves of it: whoever comes second is told to wait, or waits.
  @Test(arguments: [false, true])
  func theWholeBatchAndItsShardsNeverSendSideBySide(isWholeFirst: Bool) async throws {
    let batch = CustomerBatch(rows: 600, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let parts = ["1/2", "2/2"].map { ["--shard", $0] }
    let (early, late) = isWholeFirst ? ([[]], parts) : (parts, [[]])
    let all = arguments(batch, sandbox)
    // At this rate they take ten minutes: they are at work until they are stopped.
    let first = try early.map { try program.start(all + $0 + ["--rate", "1/s"]) }
    for run in first { try await run.waitFor("\"accepted\"") }
    for options in late {
      let refused = try await program.start(all + options).wait()
      #expect(refused.code == 6 && refused.outcomes.isEmpty, "\(refused.errors)")
      #expect(refused.errors.contains("is in use by"), "\(refused.errors)")
      #expect(refused.errors.contains("this run counts what that ledger says"))
      #expect(!refused.errors.contains("it looks at no other"), "\(refused.errors)")
    }
    let waiting = try late.map { try program.start(all + $0 + ["--wait-for-ledger", "10m"]) }
    for run in waiting { try await run.waitFor("waiting: ") }
    for run in first { run.signal(SIGTERM) }
    for run in first { #expect(try await run.wait().code == 4) }
    for run in waiting {
      let result = try await run.wait()
      #expect(result.code == 0, "\(result.errors)")
      #expect(Set(result.outcomes.keys).isSubset(of: ["accepted", "skipped"]), "\(result.errors)")
    }
    #expect(try sandbox.requests().count == batch.count)
  }

  /// None of the ledgers is there when they start, so none finds the others by looking before it has its own.
  @Test func ofRunsThatStartTogetherInAnEmptyPlaceNoneSendsWhomAnotherSends() async throws {
    let batch = CustomerBatch(rows: 12, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["latency=100"])
    let all = [[], ["--shard", "1/2"], ["--shard", "2/2"], ["--shard", "1/3"]]
    let runs = try all.map {
      try program.start(arguments(batch, sandbox, "--wait-for-ledger", "5m") + $0)
    }
    for run in runs {
      let result = try await run.wait()
      #expect(result.code == 0, "\(result.errors)")
    }
    let emails = try sandbox.requests().filter(\.isAccepted).compactMap(\.customer)
    #expect(emails.count == batch.count && Set(emails).count == batch.count)
  }

  @Test func aSignalEndsTheWaitForALedger() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    let sandbox = try await SandboxProcess(folder)
    #expect(try await program.start(arguments(batch, sandbox)).wait().code == 0)
    let holder = try AppendOnlyFile.open(place(sandbox) + ".ledger.jsonl", .appending)
    #expect(try holder.lock())
    let waiting = try program.start(arguments(batch, sandbox, "--wait-for-ledger", "5m"))
    try await waiting.waitFor("waiting: ")
    waiting.signal(SignalNumber.interrupt)
    #expect(try await waiting.wait().code == 4)
    holder.unlock()
  }

  @Test(arguments: ["soon", "-3", "1h1h", "5 m", "1e3", ""])
  func aLengthOfTimeThatIsNoneIsRefused(text: String) async throws {
    let result = try await program.run(
      "run", "m.csv", "--to", "sandbox", "--wait-for-ledger=\(text)")
    #expect(result.code == 2 && result.errors.contains("90s, 15m or 2h"), "\(result.errors)")
  }

  @Test func aMistypedPathIsSaidToBeANewLedger() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let path = folder.path + "/mistyped.ledger"
    let first = try await program.start(arguments(batch, sandbox, "--ledger", path)).wait()
    #expect(first.errors.contains("new ledger \(path)"), "\(first.errors)")
    let second = try await program.start(arguments(batch, sandbox, "--ledger", path)).wait()
    #expect(!second.errors.contains("new ledger") && second.code == 0, "\(second.errors)")
  }

  @Test func whatOtherLedgersHaveAcceptedIsNotSentAgain() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let (a, b) = (folder.path + "/a.ledger", folder.path + "/b.ledger")
    #expect(try await program.start(arguments(batch, sandbox, "--ledger", a)).wait().code == 0)
    let before = text(a)
    let command = arguments(batch, sandbox, "--ledger", b, "--history", a)
    let dry = try await program.start(command + ["--dry-run"]).wait()
    #expect(dry.outcomes == ["skipped": 3], "\(dry.errors)")
    let again = try await program.start(command).wait()
    #expect(again.code == 0 && again.outcomes == ["skipped": 3], "\(again.errors)")
    #expect(again.rows.allSatisfy { $0["since"]?.string != nil })
    batch.write { number, cells in if number == 1 { cells[4] = "1 Xylophone Street" } }
    let changed = try await program.start(command).wait()
    #expect(changed.code == 3, "\(changed.errors)")
    #expect(changed.row("R-1")?["code"]?.string == "changed_after_acceptance")
    let sent = try await program.start(command + ["--resubmit-changed"]).wait()
    #expect(sent.outcomes == ["skipped": 2, "accepted": 1], "\(sent.errors)")
    #expect(try await program.start(command).wait().code == 0)
    #expect(text(a) == before)
    #expect(try sandbox.requests().count == 4)
  }

  @Test func aLedgerThatIsMissingOrOfAnotherTargetIsNoHistory() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let other = folder.path + "/other.ledger"
    let noah = try await program.run(
      "run", Program.samples + "/noah.csv", "--to", "noah-sandbox", "--ledger", other)
    #expect(noah.code == 0, "\(noah.errors)")
    for (path, reason) in [(folder.path + "/none", "none"), (other, "is about noah:sandbox")] {
      let result = try await program.start(arguments(batch, sandbox, "--history", path)).wait()
      #expect(result.code == 6 && result.errors.contains(reason), "\(result.errors)")
    }
    #expect(try sandbox.requests().isEmpty)
  }

  /// A ledger of format 1, which version 0.1 wrote for `samples/customers.csv`.
  private func formerLedger(_ path: String) throws {
    let golden = Program.repository + "/Tests/Fixtures/ledger/customers-1.ledger"
    for suffix in ["", ".key"] {
      let bytes = try Descriptor.open(golden + suffix).wholeFile(atMost: 1 << 20)
      try DurableFile.makeFolder(DurableFile.folder(of: path))
      try DurableFile.create(path + suffix, bytes)
    }
  }

  @Test(arguments: [false, true])
  func nobodyWhomALedgerOfFormat1KnowsIsSentTwice(isContinued: Bool) async throws {
    let former = folder.path + "/state/docintake/customers-dcams-0123abcd.ledger.jsonl"
    try formerLedger(former)
    let credentials = folder.write("keys.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let sandbox = try await SandboxProcess(folder)
    func run(_ manifest: String, _ more: [String]) async throws -> Program.Result {
      let arguments = [
        "run", manifest, "--to", "dcams", "--endpoint", sandbox.endpoint, "--credentials",
        credentials, "--images-root", Program.samples,
      ]
      return try await program.start(arguments + more).wait()
    }
    let samples = Program.samples + "/customers.csv"
    let dry = try await run(samples, ["--dry-run"])
    #expect(dry.errors.contains("counts: \(former)"), "\(dry.errors)")
    #expect(dry.outcomes == ["skipped": 6])
    let option = [isContinued ? "--ledger" : "--history", former]
    let again = try await run(samples, option)
    #expect(again.code == 0 && again.outcomes == ["skipped": 6], "\(again.errors)")
    // Whoever numbers the rows anew and writes the addresses in other letters is known by the address.
    let text = text(samples).replacing("C-100", with: "").replacing("@example", with: "@EXAMPLE")
    let renumbered = try await run(folder.write("renumbered.csv", text), option)
    #expect(renumbered.outcomes == ["skipped": 6], "\(renumbered.errors)")
    #expect(try sandbox.requests().isEmpty)
  }

  @Test func aRunThatWasKilledIsToldFromOneThatHadNothingToDo() async throws {
    let batch = CustomerBatch(rows: 1, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let ledgers = (1...2).map { "\(folder.path)/\($0).ledger" }
    for number in 1...2 {
      let result = try await program.start(
        arguments(batch, sandbox, "--shard", "\(number)/2", "--ledger", ledgers[number - 1])
      ).wait()
      #expect(result.code == 0, "\(result.errors)")
    }
    let output = folder.path + "/all.ledger"
    let whole = try await program.start(["ledger", "merge", "--output", output] + ledgers).wait()
    #expect(whole.code == 0 && !whole.errors.contains("warning"), "\(whole.errors)")
    // Without the last line of a run, nobody knows whether it came to its end.
    let lines = text(ledgers[0]).split(separator: "\n").dropLast()
    folder.write("1.ledger", lines.map { $0 + "\n" }.joined())
    let killed = try await program.start(
      ["ledger", "merge", "--output", output + "2"] + ledgers
    ).wait()
    #expect(killed.code == 4 && killed.errors.contains(ledgers[0]), "\(killed.errors)")
    #expect(killed.output.contains("\"unfinished\":[\"\(ledgers[0])\"]"), "\(killed.output)")
  }

  @Test func aNameThatSeveralRowsHaveMarksNone() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["drop-after-accept"])
    let batch = CustomerBatch(rows: 2, in: folder)
    batch.write { number, cells in cells[0] = number == 0 ? "1" : "2" }
    let command = arguments(batch, sandbox, "--ambiguous", "hold")
    #expect(try await program.start(command).wait().code == 5)
    batch.write { number, cells in
      cells[0] = "\(number + 1)"
      cells[1] = "canary-other-\(number)@example.com"
    }
    #expect(try await program.start(command).wait().code == 5)
    let ledger = place(sandbox) + ".ledger.jsonl"
    let mark = ["reconcile", ledger, "--mark", "accepted"]
    let both = try await program.start(mark + ["--row", "1"]).wait()
    #expect(both.code == 2 && both.errors.contains("2 rows go by \"1\""), "\(both.errors)")
    let one = try await program.start(mark + ["--row", "canary-0@example.com"]).wait()
    #expect(one.code == 0 && one.rows.count == 1, "\(one.errors)")
    let rest = try await program.start(mark + ["--row", "1"]).wait()
    #expect(rest.code == 0 && rest.rows.count == 1, "\(rest.errors)")
  }
}
