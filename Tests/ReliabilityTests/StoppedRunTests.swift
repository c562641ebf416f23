import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// Runs that stop early: what they say of rows that nobody tried, and that a rerun gets further.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(20)), .serialized)
struct StoppedRunTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  @Test func knownBadRowsAtTheStartDoNotStopARerun() async throws {
    let batch = CustomerBatch(rows: 10, in: folder)
    let bad = (0..<6).map { "400@email=canary-\($0)?example.com" }
    let sandbox = try await SandboxProcess(folder, faults: bad)
    let command = batch.arguments(sandbox, "--concurrency", "1", "--workers", "1")
    let first = try await program.start(command).wait()
    #expect(first.code == 4, "\(first.errors)")
    #expect(first.errors.contains("refused each of the first 5 rows"), "\(first.errors)")
    let again = try await program.start(command).wait()
    #expect(again.code == 3, "\(again.errors)")
    #expect(again.outcomes == ["rejected": 6, "accepted": 4])
    #expect(try Invariants(batch).violations(sandbox.requests(), [first, again]) == [])
  }

  @Test func rowsThatNobodyTriedAreSaidApart() async throws {
    let batch = CustomerBatch(rows: 12, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["401"])
    let command = batch.arguments(sandbox, "--progress", "json")
    let result = try await program.start(command).wait()
    #expect(result.code == 4, "\(result.errors)")
    let stopped = result.rows.count { $0["code"]?.string == "stopped" }
    #expect(stopped > 0 && result.outcomes["failed"] == stopped + 1, "\(result.output)")
    let summary = try #require(result.errors.split(separator: "\n").last)
    let fields = try JSONParser.parse(Array(summary.utf8))
    #expect(fields["notTried"]?.integer == stopped)
    #expect(fields["outcomes"]?["failed"]?.integer == stopped + 1)
    let again = try await program.start(batch.arguments(sandbox)).wait()
    #expect(again.errors.contains("1 failed, "), "\(again.errors)")
    #expect(again.errors.contains(" not tried"), "\(again.errors)")
  }

  /// A stop before a row's turn says nothing about the row: what the ledger knew stays.
  @Test func aStopDoesNotHideWhyARowWasRefused() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["400@1-3", "401@4"])
    _ = try await program.start(batch.arguments(sandbox, "--concurrency", "1")).wait()
    _ = try await program.start(batch.arguments(sandbox, "--concurrency", "1")).wait()
    let shown = try await program.run("ledger", "show", batch.ledger)
    #expect(shown.rows.count { $0["code"]?.string == "refused_by_target" } == 2, "\(shown.output)")
    #expect(shown.rows.count { $0["code"]?.string == "credentials_refused" } == 1)
  }

  @Test func aSignalBeforeTheFirstRowSendsNothing() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let (mark, answer) = (folder.path + "/asked", folder.path + "/answer")
    let wait = "touch \(mark); until test -e \(answer); do sleep 0.05; done"
    let command = batch.arguments(sandbox).map {
      $0 == batch.credentials ? "command:\(wait); cat \(batch.credentials)" : $0
    }
    let running = try program.start(command)
    while !DurableFile.exists(mark) {
      try await Task.sleep(for: .milliseconds(10))
    }
    running.signal(15)
    // The credentials come once the signal has been taken, however late that is on a busy machine.
    try await running.waitFor("stopping: finishing what is in flight")
    folder.write("answer", "")
    let result = try await running.wait()
    #expect(result.code == 4, "\(result.errors)")
    #expect(result.errors.contains("stopped by a signal"), "\(result.errors)")
    #expect(result.rows.isEmpty)
    #expect(!DurableFile.exists(batch.ledger))
    #expect(try sandbox.requests().isEmpty)
  }

  /// Two rows with one address are one customer: the one that is left out says nothing about the other.
  @Test func aRowWithTheAddressOfAnotherLeavesItsStandingAlone() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    batch.write { number, cells in if number == 2 { cells[1] = CustomerBatch.email(0) } }
    let sandbox = try await SandboxProcess(folder)
    let result = try await program.start(batch.arguments(sandbox)).wait()
    #expect(result.outcomes == ["accepted": 2, "rejected": 1])
    #expect(result.row("R-2")?["code"]?.string == "conflicting_row")
    let key = try #require(result.row("R-2")?["key"]?.string)
    #expect(result.row("R-0")?["key"]?.string == key)
    let shown = try await program.run("ledger", "show", batch.ledger)
    let row = shown.rows.first { $0["key"]?.string == key }
    #expect(row?["standing"]?.string == "accepted" && row?["code"] == nil, "\(shown.output)")
  }
}
