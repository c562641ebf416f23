import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// SIGUSR1 asks how far a run has come, and the run goes on.
@Suite(.timeLimit(.minutes(20)))
struct SnapshotTests {
  private let folder = TemporaryFolder()

  /// A run in the middle: it reads its rows from a pipe, and the first has been accepted.
  private func start(_ more: [String]) async throws -> Middle {
    folder.write("scan.jpg", TinyScan.bytes)
    let pipe = folder.path + "/rows"
    #expect(mkfifo(pipe, 0o600) == 0)
    // Open for reading as well, so that neither side waits for the other.
    let manifest = open(pipe, O_RDWR | O_CLOEXEC)
    let running = try Program(folder: folder).start(
      [
        "run", "-", "--to", "sandbox", "--images-root", folder.path, "--ledger",
        folder.path + "/one.ledger",
      ] + more, input: pipe)
    var middle = Middle(running: running, manifest: manifest)
    middle.write("id,email,front\n")
    // The loader may wait for the start of the next row before it hands one out.
    while !running.text(".out").contains("\"outcome\":\"accepted\"") {
      middle.writeRow()
      try await Task.sleep(for: .milliseconds(100))
    }
    return middle
  }

  private struct Middle {
    let running: StartedProgram
    let manifest: Int32
    private var rows = 0

    init(running: StartedProgram, manifest: Int32) {
      (self.running, self.manifest) = (running, manifest)
    }

    func write(_ text: String) {
      #expect(RawDescriptor.write(Array(text.utf8), to: manifest))
    }

    mutating func writeRow() {
      rows += 1
      write("\(rows),canary-\(rows)@example.com,scan.jpg\n")
    }

    /// One row more, and the end: all of them are accepted.
    mutating func finish() async throws {
      writeRow()
      close(manifest)
      let result = try await running.wait()
      #expect(result.code == 0, "\(result.errors)")
      #expect(result.outcomes == ["accepted": rows])
      #expect(!result.errors.contains("canary"))
    }
  }

  @Test func aSnapshotIsPrintedAndTheRunGoesOn() async throws {
    var middle = try await start([])
    let running = middle.running
    running.signal(SIGUSR1)
    try await running.waitFor(" · ledger: ")
    let line = try #require(
      running.text(".err").split(separator: "\n").first { $0.contains(" · ledger: ") })
    #expect(line.contains(#/^docintake: \d\d:\d\d:\d\d \d+ rows? /#), "\(line)")
    #expect(line.contains(" accepted") && line.contains("/s · "), "\(line)")
    #expect(line.hasSuffix("/one.ledger"))
    try await middle.finish()
  }

  @Test(arguments: [["--log-format", "json"], ["--progress", "json"]])
  func forProgramsItIsOneEvent(options: [String]) async throws {
    var middle = try await start(options)
    let running = middle.running
    running.signal(SIGUSR1)
    try await running.waitFor("\"type\":\"snapshot\"")
    let line = try #require(
      running.text(".err").split(separator: "\n").first { $0.contains("\"type\":\"snapshot\"") })
    let event = try JSONParser.parse(Array(line.utf8))
    #expect(event["rows"]?.integer ?? 0 > 0)
    #expect(event["outcomes"]?["accepted"]?.integer == event["rows"]?.integer)
    #expect(event["inFlight"]?["rows"]?.integer != nil)
    #expect(event["inFlight"]?["requests"]?.integer != nil)
    #expect(line.contains("\"downSince\":null"))
    #expect(event["ledger"]?.string?.hasSuffix("/one.ledger") == true)
    try await middle.finish()
  }

  /// What is on its way and what is wrong is in it, too.
  @Test func aTargetThatIsDownIsNamed() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: ["500@2-"])
    let running = try Program(folder: folder).start(batch.arguments(sandbox))
    try await running.waitFor("the target has been down for")
    running.signal(SIGUSR1)
    try await running.waitFor(" · ledger: ")
    let line = try #require(
      running.text(".err").split(separator: "\n").first { $0.contains(" · ledger: ") })
    let down = #/the target is down \(since \d\d:\d\d:\d\d\), (next try|trying it now)/#
    #expect(line.contains(down), "\(line)")
    #expect(line.contains(" under way"), "\(line)")
    running.signal(SIGTERM)
    let result = try await running.wait()
    #expect([4, 5].contains(result.code), "\(result.errors)")
  }

  @Test func withoutARunTheSignalDoesNothing() async throws {
    let sandbox = try await SandboxProcess(folder)
    kill(sandbox.process, SIGUSR1)
    #expect(try LocalHTTP.get(sandbox.address, "/sandbox/requests").isEmpty)
  }
}
