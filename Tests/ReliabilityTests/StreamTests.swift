import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Standard streams that are closed, full, gone or slow: recording goes on, results are never lost silently.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(20)), .serialized)
struct StreamTests {
  private let folder = TemporaryFolder()

  @Test func aReaderThatGoesAwayStopsTheStartOfRowsAndNothingElse() async throws {
    let batch = CustomerBatch(rows: 40, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["latency=20"])
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
    let running = try Program(folder: folder).start(batch.arguments(sandbox), output: ends[1])
    close(ends[1])
    // What `| head -1` does: read one line and leave.
    var byte: UInt8 = 0
    while read(ends[0], &byte, 1) == 1, byte != 0x0A {}
    close(ends[0])
    let result = try await running.wait()
    #expect(result.code == 4, "\(result.errors)")
    #expect(result.errors.components(of: "standard output was closed; ") == 1, "\(result.errors)")
    #expect(try sandbox.requests().count < 40)
    let again = try await Program(folder: folder).start(batch.arguments(sandbox)).wait()
    #expect(again.code == 0, "\(again.errors)")
    #expect(try Invariants(batch).violations(sandbox.requests(), [result, again]) == [])
  }

  @Test func aFullDeviceBehindStandardOutputIsLikeAClosedOne() async throws {
    let batch = CustomerBatch(rows: 20, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["latency=20"])
    let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
    try #require(full >= 0)
    let running = try Program(folder: folder).start(batch.arguments(sandbox), output: full)
    close(full)
    let result = try await running.wait()
    #expect(result.code == 4, "\(result.errors)")
    #expect(result.errors.components(of: "no space left on the device") == 2, "\(result.errors)")
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }

  @Test(arguments: zip([[Int32(0)], [1], [2], [0, 1, 2]], [Int32(0), 4, 0, 4]))
  func aClosedStreamNeverEndsUpInTheLedger(closed: [Int32], code: Int32) async throws {
    let batch = CustomerBatch(rows: 6, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let running = try Program(folder: folder).start(
      batch.arguments(sandbox, "--verbose"), closing: closed)
    let result = try await running.wait()
    #expect(result.code == code, "\(result.errors)")
    let again = try await Program(folder: folder).start(batch.arguments(sandbox)).wait()
    #expect(again.code == 0, "\(again.errors)")
    #expect(try Invariants(batch).violations(sandbox.requests(), [result, again]) == [])
  }

  @Test func aManifestFromAClosedStandardInputIsRefused() async throws {
    let running = try Program(folder: folder).start(
      ["run", "-", "--to", "sandbox", "--ledger", folder.path + "/l"], closing: [0])
    let result = try await running.wait()
    #expect(result.code == 2, "\(result.errors)")
  }

  @Test func aSlowReaderDelaysNoOutcome() async throws {
    let batch = CustomerBatch(rows: 300, in: folder)
    let sandbox = try await SandboxProcess(folder)
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
    let running = try Program(folder: folder).start(batch.arguments(sandbox), output: ends[1])
    close(ends[1])
    try await waitUntilFull(ends[0])
    // Nobody has read: every row that the server knows is in the ledger.
    let requests = try sandbox.requests()
    #expect(requests.count > 20 && requests.count < 300, "\(requests.count)")
    let shown = try await Program(folder: folder).run("ledger", "show", batch.ledger)
    let accepted = shown.rows.count { $0["standing"]?.string == "accepted" }
    #expect(accepted >= requests.count { $0.isAccepted } - 4)
    var bytes = [UInt8](repeating: 0, count: 65_536)
    while read(ends[0], &bytes, bytes.count) > 0 {}
    close(ends[0])
    #expect(try await running.wait().code == 0)
  }

  /// Node, ssh and `script` hand over pipes whose writes return at once when they are full.
  @Test func aFullNonBlockingPipeLosesNoResult() async throws {
    let batch = CustomerBatch(rows: 300, in: folder)
    let sandbox = try await SandboxProcess(folder)
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    let running = try Program(folder: folder).start(batch.arguments(sandbox), output: ends[1])
    close(ends[1])
    try await waitUntilFull(ends[0])
    var (lines, bytes) = (0, [UInt8](repeating: 0, count: 65_536))
    while case let count = read(ends[0], &bytes, bytes.count), count > 0 {
      lines += bytes[..<count].count { $0 == 0x0A }
    }
    close(ends[0])
    let result = try await running.wait()
    #expect(result.code == 0, "\(result.errors)")
    #expect(lines == 300)
  }

  /// Waits until nothing more goes into a pipe of 16 pages, of which lines up to 2 KB fill at least 40,000 bytes.
  private func waitUntilFull(_ pipe: Int32) async throws {
    var (bytes, before, still) = (Int32(0), Int32(0), 0)
    while ioctl(pipe, UInt(FIONREAD), &bytes) == 0, still < 20 {
      still = bytes >= 40_000 && bytes == before ? still + 1 : 0
      before = bytes
      try await Task.sleep(for: .milliseconds(10))
    }
  }
}

extension String {
  /// How often a text is in this one.
  func components(of text: String) -> Int { ranges(of: text).count }
}
