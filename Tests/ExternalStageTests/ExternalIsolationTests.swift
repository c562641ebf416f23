import IntakeCore
import IntakeTesting
import Testing

@testable import ExternalStage

/// What is taken from a program of somebody else's: the way to more rights, memory without end, the network.
@Suite(.timeLimit(.minutes(20))) struct ExternalIsolationTests {
  /// What the program says when it was asked to try something.
  private func answer(
    trying body: String, _ options: [String: OptionValue] = [:]
  ) async throws -> String? {
    let script = try Script(
      python: """
        try:
            detail = attempt()
        except BaseException as error:
            detail = type(error).__name__
        answer("reject", code="tried", detail=str(detail))
        """,
      start: """
        def attempt():
        \(body.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))
        """)
    let bench = try Bench<ImageItem>(script, options)
    try await bench.stage.prepare()
    let detail = bench.failure(try SampleImage.document(SampleImage.png()))?.detail
    await bench.stage.finish()
    return detail
  }

  private static let connecting = """
    import socket
    for kind in socket.AF_INET, socket.AF_INET6, socket.AF_UNIX:
        try:
            socket.socket(kind).close()
            return "connected"
        except PermissionError:
            pass
    import subprocess
    child = "import socket; socket.socket()"
    return subprocess.run([sys.executable, "-c", child], stderr=subprocess.DEVNULL).returncode
    """

  @Test func `a program may use the network unless that is taken away`() async throws {
    #expect(try await answer(trying: Self.connecting)?.hasSuffix("tried: connected") == true)
  }

  @Test func `a program without network makes no socket, nor does what it starts`() async throws {
    let detail = try await answer(trying: Self.connecting, ["isolation": .text("network")])
    #expect(detail?.hasSuffix("tried: 1") == true, "\(detail ?? "")")
  }

  @Test(arguments: ["off", "network"])
  func `no program gains rights, and the stage's own threads keep theirs`(_ isolation: String)
    async throws
  {
    let status = """
      return open("/proc/self/status").read().split("NoNewPrivs:")[1].split()[0]
      """
    for _ in 0..<2 {
      let detail = try await answer(trying: status, ["isolation": .text(isolation)])
      #expect(detail?.hasSuffix("tried: 1") == true, "\(detail ?? "")")
    }
    #expect(OwnProcess.status("NoNewPrivs") == "0")
  }

  @Test func `a program that takes more memory than it may gets none`() async throws {
    let options: [String: OptionValue] = ["max-memory": .integer(100_000_000)]
    let much = try await answer(trying: "return len(bytearray(200_000_000))", options)
    #expect(much?.hasSuffix("tried: MemoryError") == true, "\(much ?? "")")
    let little = try await answer(trying: "return len(bytearray(20_000_000))", options)
    #expect(little?.hasSuffix("tried: 20000000") == true, "\(little ?? "")")
  }
}
