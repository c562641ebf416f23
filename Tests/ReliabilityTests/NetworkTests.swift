import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// Where no server answers at all, and what the environment must not change.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(20)), .serialized)
struct NetworkTests {
  private let folder = TemporaryFolder()

  /// Addresses that nobody serves: a closed port, and a name that RFC 6761 keeps from ever existing.
  @Test(arguments: ["http://127.0.0.1:1/storage", "https://nobody.invalid/storage"])
  func nobodyThereFromTheStartIsAWrongAddressAndEndsTheRun(endpoint: String) async throws {
    let batch = CustomerBatch(rows: 2, in: folder)
    let command = batch.arguments(endpoint: endpoint) + ["--set", "submit.connect-timeout=2"]
    let result = try await Program(folder: folder).start(command).wait()
    #expect(result.code == 4, "\(result.errors)")
    #expect(result.errors.contains("has not answered once"), "\(result.errors)")
    #expect(result.rows.contains { $0["code"]?.string == "connection_failed" })
    #expect(
      result.rows.allSatisfy { ["connection_failed", "stopped"].contains($0["code"]?.string) })
    #expect(try Invariants(batch).violations([], [result]) == [])
  }

  @Test(arguments: [
    "http://example.com/storage", "ftp://127.0.0.1/", "https://user:secret@example.com/", "storage",
    "http://127.0.0.1@example.com/", "http://127.0.0.1.example.com/",
  ])
  func anEndpointThatIsNotSafeIsRefusedBeforeAnything(endpoint: String) async throws {
    let batch = CustomerBatch(rows: 2, in: folder)
    let result = try await Program(folder: folder).start(batch.arguments(endpoint: endpoint)).wait()
    #expect(result.code == 2, "\(result.errors)")
    #expect(result.output.isEmpty)
    #expect(!result.errors.contains("secret"))
  }

  @Test(arguments: [
    "http_proxy", "https_proxy", "ALL_PROXY", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "SSLKEYLOGFILE",
    "TMPDIR", "URLSessionDebugLibcurl",
  ])
  func theEnvironmentChangesNothing(name: String) async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder)
    var program = Program(folder: folder)
    let log = folder.path + "/must-not-appear"
    let isAddress = name.lowercased().hasSuffix("_proxy")
    program.environment[name] = isAddress ? "http://127.0.0.1:1" : log
    let result = try await program.start(batch.arguments(sandbox)).wait()
    #expect(result.code == 0, "\(result.errors)")
    #expect(!DurableFile.exists(log))
    #expect(try Invariants(batch).violations(sandbox.requests(), [result]) == [])
  }

  @Test func twoRunsInARowLeaveNothingBesideLedgerAndKey() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder)
    _ = try await Program(folder: folder).start(batch.arguments(sandbox)).wait()
    let before = Set(folder.files())
    _ = try await Program(folder: folder).start(batch.arguments(sandbox)).wait()
    let new = Set(folder.files()).subtracting(before).filter {
      !$0.hasSuffix(".out") && !$0.hasSuffix(".err")
    }
    #expect(new == [])
    let own = folder.files().filter { $0.contains("batch.ledger") }.map {
      $0.dropFirst(folder.path.count + 1)
    }
    #expect(Set(own) == ["batch.ledger", "batch.ledger.key"])
  }
}
