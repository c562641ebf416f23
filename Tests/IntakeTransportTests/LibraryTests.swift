import IntakeCore
import TestSupport
import Testing

/// A libcurl that lacks what is relied on, and one that runs out of memory: through the built command.
@Suite(.timeLimit(.minutes(20)))
struct LibraryTests {
  private let folder = TestSupport.TemporaryFolder()

  private func run(_ variables: [String: String], _ more: String...) async throws -> (
    result: Program.Result, requests: [ServedRequest]
  ) {
    let sandbox = try await SandboxProcess(folder)
    var program = Program(folder: folder)
    program.environment = variables
    let arguments = CustomerBatch(rows: 2, in: folder).arguments(endpoint: sandbox.endpoint) + more
    let result = try await program.start(arguments).wait()
    return (result, try sandbox.requests())
  }

  /// Numbers as `curl/curl.h` has them, which never change.
  @Test(arguments: [
    ("SSL_VERIFYPEER", 64), ("SSL_VERIFYHOST", 81), ("PREREQFUNCTION", 20_312),
    ("PREREQDATA", 10_313), ("SEEKFUNCTION", 20_167), ("FOLLOWLOCATION", 52), ("CAINFO", 10_065),
    ("PROXY", 10_004), ("TIMEOUT_MS", 155), ("INFILESIZE_LARGE", 30_115), ("POST", 47),
  ])
  func nothingIsSentWithoutAnOptionThatIsReliedOn(_ name: String, _ number: Int) async throws {
    let refused = try RefusedCalls(in: folder).environment(option: number)
    let (result, requests) = try await run(refused)
    #expect(result.code == 2, "\(result.errors)")
    #expect(result.errors.contains("this libcurl refuses the option \(name)"), "\(result.errors)")
    #expect(result.errors.contains("install libcurl 7.8"))
    #expect(result.rows.isEmpty)
    #expect(requests.isEmpty)
  }

  /// Only a run with a proxy needs this one (`CURLOPT_HEADEROPT`).
  @Test(arguments: [true, false])
  func aProxyNeedsMore(_ hasProxy: Bool) async throws {
    let refused = try RefusedCalls(in: folder).environment(option: 229)
    let (result, requests) = try await run(
      refused, "--proxy", hasProxy ? "http://127.0.0.1:9" : "none")
    #expect(result.code == (hasProxy ? 2 : 0), "\(result.errors)")
    #expect(result.errors.contains("this libcurl refuses the option HEADEROPT") == hasProxy)
    #expect(requests.count == (hasProxy ? 0 : 2))
  }

  @Test func theBatchIsAcceptedWhereNothingIsRefused() async throws {
    let (result, requests) = try await run(try RefusedCalls(in: folder).environment())
    #expect(result.code == 0, "\(result.errors)")
    #expect(requests.count == 2)
  }

  /// Without one of its fields a request would be another one.
  @Test func aHeaderFieldWithoutMemoryKeepsTheRequestHere() async throws {
    let refused = try RefusedCalls(in: folder).environment(field: "Content-Type: ")
    let (result, requests) = try await run(refused, "--halt", "now,fail=1")
    #expect(result.code == 4, "\(result.errors)")
    #expect(result.errors.contains("no memory left for the header"), "\(result.errors)")
    #expect(result.outcomes["accepted"] == nil && result.outcomes["in_doubt"] == nil)
    #expect(requests.isEmpty)
  }
}
