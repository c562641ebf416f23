import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What disks and people do to a ledger, through the front door: exit code 6, a clear message, nothing sent unannounced.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(20)), .serialized)
struct DiskTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  private func bytes(_ path: String) async throws -> [UInt8] {
    try Descriptor.open(path).wholeFile(atMost: 1 << 24)
  }

  private func arguments(_ batch: CustomerBatch, _ sandbox: SandboxProcess, ledger: String)
    -> [String]
  {
    batch.arguments(sandbox).map { $0 == batch.ledger ? ledger : $0 }
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "mounting a small disk takes root"))
  func aFullDiskStopsTheRunAndFreeRoomFinishesIt() async throws {
    let disk = try #require(SmallDisk())
    let batch = CustomerBatch(rows: 300, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let command = arguments(batch, sandbox, ledger: disk.path + "/l")
    let first = try await program.start(command).wait()
    #expect(first.code == 6, "\(first.errors)")
    #expect(first.errors.contains("free disk space"), "\(first.errors)")
    // Room for the outcomes of what was in flight had been reserved, so nobody is in doubt.
    let requests = try sandbox.requests()
    #expect(requests.count > 20 && requests.count < 300, "\(requests.count)")
    let shown = try await program.run("ledger", "show", disk.path + "/l")
    #expect(shown.rows.count { $0["standing"]?.string == "in_doubt" } == 0)
    #expect(shown.rows.count { $0["standing"]?.string == "accepted" } == requests.count)
    try await disk.grow()
    let second = try await program.start(command).wait()
    #expect(second.code == 0, "\(second.errors)")
    #expect(try sandbox.requests().count == 300)
  }

  @Test(
    .enabled(if: getuid() != 0 || SmallDisk.isAvailable, "needs a disk to be mounted read-only"))
  func aReadOnlyPlaceIsRefusedBeforeAnythingIsSent() async throws {
    let disk = try #require(SmallDisk())
    try await disk.makeReadOnly()
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let result = try await program.start(arguments(batch, sandbox, ledger: disk.path + "/l")).wait()
    #expect(result.code == 6, "\(result.errors)")
    #expect(try sandbox.requests().isEmpty)
  }

  @Test(arguments: ["folder", "pipe", "link", "read-only", "shared"])
  func aLedgerThatIsNotFitIsRefused(kind: String) async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let path = folder.path + "/odd"
    switch kind {
    case "folder": _ = folder.folder("odd")
    case "pipe": mkfifo(path, 0o600)
    case "link": symlink(folder.write("elsewhere", ""), path)
    default: chmod(folder.write("odd", ""), kind == "shared" ? 0o666 : 0o400)
    }
    let result = try await program.start(arguments(batch, sandbox, ledger: path)).wait()
    #expect(result.code == 6, "\(result.errors)")
    #expect(result.errors.contains(path))
    #expect(try sandbox.requests().isEmpty)
  }

  @Test(arguments: ["renamed", "deleted"])
  func aLedgerThatGoesAwayStopsTheRun(how: String) async throws {
    let batch = CustomerBatch(rows: 60, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["slow=3000@5-12"])
    let running = try program.start(batch.arguments(sandbox))
    try await running.waitFor("accepted")
    if how == "renamed" {
      rename(batch.ledger, batch.ledger + ".old")
    } else {
      unlink(batch.ledger)
    }
    let result = try await running.wait()
    #expect(result.code == 6, "\(result.errors)")
    #expect(result.errors.contains("deleted, renamed or replaced"), "\(result.errors)")
    #expect(result.errors.contains("it could not be recorded in the ledger"), "\(result.errors)")
    #expect(try sandbox.requests().count < 60)
    guard how == "renamed" else { return }
    rename(batch.ledger + ".old", batch.ledger)
    let again = try await program.start(batch.arguments(sandbox, "--ambiguous", "hold")).wait()
    #expect([0, 5].contains(again.code), "\(again.errors)")
    #expect(try Invariants(batch).violations(sandbox.requests(), [again]) == [])
  }

  @Test func aSecondProcessIsRefusedAtOnceAndToldWhoIsFirst() async throws {
    let batch = CustomerBatch(rows: 4, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["hang@2-"])
    let first = try program.start(batch.arguments(sandbox, "--set", "submit.timeout=600"))
    try await first.waitFor("accepted")
    let second = try await program.start(batch.arguments(sandbox)).wait()
    #expect(second.code == 6)
    #expect(second.errors.contains("in use by process \(first.process)"), "\(second.errors)")
    first.signal(SIGTERM)
    try await first.waitFor("again to abort")
    first.signal(SIGTERM)
    let result = try await first.wait()
    #expect(result.code == 143 && result.outcomes["accepted"] == 1, "\(result.errors)")
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }

  @Test func aTornLastLineIsCutAndTold() async throws {
    let batch = CustomerBatch(rows: 4, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let first = try await program.start(batch.arguments(sandbox)).wait()
    let whole = try await bytes(batch.ledger)
    // The end of the run is gone, and half of the last outcome.
    let end = whole.dropLast().lastIndex(of: 0x0A) ?? 0
    folder.write("batch.ledger", Array(whole[..<(end - 40)]))
    let again = try await program.start(batch.arguments(sandbox, "--ambiguous", "hold")).wait()
    #expect(again.code == 5, "\(again.errors)")
    #expect(again.errors.contains("unfinished"), "\(again.errors)")
    #expect(again.outcomes == ["skipped": 3, "in_doubt": 1])
    #expect(DurableFile.exists(batch.ledger + ".torn-1"))
    _ = first
    #expect(try sandbox.requests().count == 4)
  }

  @Test func aFlippedBitIsRefusedWithItsLine() async throws {
    let batch = CustomerBatch(rows: 6, in: folder)
    let sandbox = try await SandboxProcess(folder)
    _ = try await program.start(batch.arguments(sandbox)).wait()
    let whole = try await bytes(batch.ledger)
    let lastLine = whole.dropLast().lastIndex(of: 0x0A) ?? 0
    var random = SeededRandom.announced()
    for _ in 0..<20 {
      var damaged = whole
      let place = Int.random(in: 0..<lastLine, using: &random)
      damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      folder.write("batch.ledger", damaged)
      let line = whole[..<place].count { $0 == 0x0A } + 1
      let result = try await program.start(batch.arguments(sandbox)).wait()
      #expect(result.code == 6, "byte \(place): \(result.errors)")
      // A flipped newline joins two lines; the first of them is the one that is not as written.
      #expect(result.errors.contains("line \(line) "), "byte \(place): \(result.errors)")
      let verified = try await program.run("ledger", "verify", batch.ledger)
      #expect(verified.code == 6 && verified.errors.contains("line \(line) "))
    }
    #expect(try sandbox.requests().count == 6)
  }

  @Test(.enabled(if: access("/usr/bin/prlimit", X_OK) == 0, "prlimit is missing"))
  func aLimitOnFileSizesIsAnErrorNotADeath() async throws {
    let batch = CustomerBatch(rows: 40, in: folder)
    let sandbox = try await SandboxProcess(folder)
    var limited = program
    limited.wrapper = ["/usr/bin/prlimit", "--fsize=6000"]
    let first = try await limited.start(batch.arguments(sandbox)).wait()
    #expect(first.code == 6, "\(first.errors)")
    #expect(first.errors.contains("ulimit -f"), "\(first.errors)")
    let again = try await program.start(batch.arguments(sandbox, "--ambiguous", "hold")).wait()
    #expect([0, 5].contains(again.code), "\(again.errors)")
    #expect(try Invariants(batch).violations(sandbox.requests(), [again]) == [])
  }

  /// A limit that the process may raise, and one that it may not.
  @Test(
    .enabled(if: access("/usr/bin/prlimit", X_OK) == 0, "prlimit is missing"),
    arguments: ["40:4096", "128"])
  func tooManyOpenFilesAreNoFaultOfARow(limit: String) async throws {
    let batch = CustomerBatch(rows: 200, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["latency=100"])
    var limited = program
    limited.wrapper = ["/usr/bin/prlimit", "--nofile=" + limit]
    let result = try await limited.start(batch.arguments(sandbox, "--concurrency", "100")).wait()
    #expect(result.outcomes["rejected"] == nil, "\(result.errors)")
    if limit == "128" {
      #expect(result.outcomes["failed"] ?? 0 > 0, "\(result.errors)")
      #expect(result.errors.contains("lower --concurrency, or raise the limit on open files"))
    } else {
      #expect(result.code == 0, "\(result.errors)")
    }
    let again = try await program.start(batch.arguments(sandbox, "--only", "failed")).wait()
    #expect([0, 4].contains(again.code), "\(again.errors)")
  }

  @Test(.enabled(if: access("/usr/bin/prlimit", X_OK) == 0, "prlimit is missing"))
  func fewDescriptorsAreEnoughOrSaidToBeTooFew() async throws {
    let batch = CustomerBatch(rows: 10, in: folder)
    let sandbox = try await SandboxProcess(folder)
    var limited = program
    limited.wrapper = ["/usr/bin/prlimit", "--nofile=16"]
    let result = try await limited.start(batch.arguments(sandbox, "--concurrency", "8")).wait()
    #expect([0, 2, 3, 4, 6].contains(result.code), "\(result.errors)")
    let again = try await program.start(batch.arguments(sandbox)).wait()
    #expect(again.code == 0, "\(again.errors)")
    #expect(
      try Invariants(batch).violations(sandbox.requests(), [result, again].filter { $0.code != 2 })
        == [])
  }
}
