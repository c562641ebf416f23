import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// System calls that fail, or kill the program, at the N-th time: the method of SQLite's tests, with `strace`.
@Suite(
  .enabled(if: SlowTests.areWanted),
  .timeLimit(.minutes(20)), .serialized,
  .enabled(if: Strace.isAvailable, "strace is missing, or may not trace here: install it"))
struct InjectionTests {
  private let folder = TemporaryFolder()

  /// What happens to which call.
  struct Injection: Sendable, CustomTestStringConvertible {
    let call: String
    let effect: String
    let number: Int
    /// Only calls on this descriptor's file count, for `write`.
    var testDescription: String { "\(call):\(effect):when=\(number)" }
  }

  private static func sweep(_ call: String, _ effect: String, _ numbers: [Int]) -> [Injection] {
    numbers.map { Injection(call: call, effect: effect, number: $0) }
  }

  /// Opening takes the first three or four; a row takes two, and neighbours share them.
  static let failing =
    sweep("fsync", "error=EIO", Array(1...14)) + sweep("fallocate", "error=ENOSPC", [1])
    + sweep("ftruncate", "error=EIO", [1])

  @Test(arguments: failing)
  func aFailingDiskStopsTheRunAndNothingGoesOutUnannounced(injection: Injection) async throws {
    let batch = CustomerBatch(rows: 6, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let first = try await run(batch, sandbox, injection)
    // A large reservation that fails is followed by a small one; giving room back may fail without harm.
    let isHarmless = !hasStruck(first) || injection.call != "fsync"
    #expect(first.code == (isHarmless ? 0 : 6), "\(first.errors)")
    if first.code == 6 { #expect(first.errors.contains("ledger"), "\(first.errors)") }
    try await finish(batch, sandbox, [first])
  }

  @Test(arguments: sweep("write", "error=ENOSPC", Array(1...16)))
  func aFullDiskAtAnyWriteOfTheLedger(injection: Injection) async throws {
    let batch = CustomerBatch(rows: 6, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let first = try await run(batch, sandbox, injection, only: batch.ledger)
    #expect(first.code == (hasStruck(first) ? 6 : 0), "\(first.errors)")
    try await finish(batch, sandbox, [first])
  }

  @Test(arguments: sweep("fsync", "signal=KILL", Array(1...14)))
  func aKillAtAnySynchronisation(injection: Injection) async throws {
    let batch = CustomerBatch(rows: 6, in: folder)
    let sandbox = try await SandboxProcess(folder)
    try await finish(batch, sandbox, [try run(batch, sandbox, injection)])
  }

  @Test(arguments: sweep("write", "signal=KILL", Array(1...14)))
  func aKillAtAnyWriteOfTheLedger(injection: Injection) async throws {
    let batch = CustomerBatch(rows: 6, in: folder)
    let sandbox = try await SandboxProcess(folder)
    try await finish(batch, sandbox, [try run(batch, sandbox, injection, only: batch.ledger)])
  }

  private func run(
    _ batch: CustomerBatch, _ sandbox: SandboxProcess, _ injection: Injection,
    only path: String? = nil
  ) async throws -> Program.Result {
    var program = Program(folder: folder)
    program.wrapper = Strace.command(
      folder.path + "/trace", injection.call, injection.effect, injection.number, only: path)
    let result = try await program.start(batch.arguments(sandbox, "--workers", "1")).wait(
      seconds: 60)
    // Opening and the canary alone take eight calls of either kind, so these numbers always come up.
    #expect(hasStruck(result) || injection.number > 4 || injection.call == "fallocate")
    return result
  }

  /// Whether the call was made so often that the fault came about; decoders are killed at the end of every run.
  private func hasStruck(_ run: Program.Result) -> Bool {
    let bytes = (try? Descriptor.open(folder.path + "/trace").wholeFile(atMost: 1 << 24)) ?? []
    let text = String(decoding: bytes, as: UTF8.self)
    return text.contains("(INJECTED)") || run.code == 256 + 9
  }

  /// The same command again, without the fault: what can be settled is, and nobody is stored twice.
  private func finish(_ batch: CustomerBatch, _ sandbox: SandboxProcess, _ first: [Program.Result])
    async throws
  {
    let command = batch.arguments(sandbox, "--ambiguous", "hold")
    let second = try await Program(folder: folder).start(command).wait()
    #expect([0, 5].contains(second.code), "\(second.errors)")
    let results = first + [second]
    #expect(try Invariants(batch).violations(sandbox.requests(), results) == [])
  }
}

/// Runs a program with faults in its system calls.
enum Strace {
  static let path = "/usr/bin/strace"

  /// Whether it is there and may trace.
  static let isAvailable: Bool = {
    guard access(path, X_OK) == 0 else { return false }
    var program = Program(folder: TemporaryFolder())
    program.wrapper = command("/dev/null", "fsync", "error=EIO", 60_000)
    return (try? program.run("--version"))?.code == 0
  }()

  static func command(
    _ log: String, _ call: String, _ effect: String, _ number: Int, only file: String? = nil
  ) -> [String] {
    [path, "-f", "-qq", "-o", log, "-e", "trace=\(call)"]
      + (file.map { ["-P", $0] } ?? [])
      + ["-e", "inject=\(call):\(effect):when=\(number)"]
  }
}
