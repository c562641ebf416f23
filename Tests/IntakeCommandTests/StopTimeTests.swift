import TestSupport
import Testing

@testable import IntakeCommand

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// When the operator wants a run to end, whatever is left.
@Suite(.timeLimit(.minutes(20)))
struct StopTimeTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  /// The manifest comes from a pipe that stays open, so that nothing else ends the run.
  @Test func aRunWhoseTimeIsOverStopsSoftlyAndTheSameCommandFinishes() async throws {
    let batch = CustomerBatch(rows: 3, in: folder)
    let sandbox = try await SandboxProcess(folder)
    let pipe = folder.path + "/rows"
    try #require(mkfifo(pipe, 0o600) == 0)
    let producer = open(pipe, O_RDWR | O_CLOEXEC)
    defer { close(producer) }
    let command = batch.arguments(sandbox, "--images-root", folder.path)
    let running = try program.start(
      command.map { $0 == batch.manifest ? "-" : $0 } + [
        "--max-duration", "1s", "--until", "12:00",
      ], input: pipe)
    let first = try await running.wait()
    #expect(first.code == 4, "\(first.errors)")
    let reasons = ["--max-duration is over", "it is 12:00 (--until)"]
    #expect(reasons.contains(where: first.errors.contains), "\(first.errors)")
    #expect(try sandbox.requests().isEmpty)
    let second = try await program.start(command + ["--max-duration", "10h"]).wait()
    #expect(second.code == 0 && second.outcomes == ["accepted": 3], "\(second.errors)")
  }

  @Test(arguments: ["6:00", "24:00", "06:60", "0600", "soon", "06:00:00"])
  func aTimeOfDayThatIsNoneIsRefused(text: String) async throws {
    let result = try await program.run("run", "m.csv", "--to", "sandbox", "--until", text)
    #expect(result.code == 2 && result.errors.contains("such as 06:00"), "\(result.errors)")
  }

  /// By the clock of this machine: today where that is still to come, else tomorrow, and never a day that is over.
  @Test(arguments: ["00:00", "06:30", "12:00", "23:59"])
  func theNextTimeOfThatNameCounts(text: String) throws {
    let now = time(nil)
    for hours in 0..<48 {
      let start = now + time_t(hours * 3_600)
      let seconds = try #require(StopTime.seconds(until: text, from: start))
      #expect(seconds > 0 && seconds <= 25 * 3_600)
      var (end, local) = (start + time_t(seconds), tm())
      try #require(localtime_r(&end, &local) != nil)
      let parts = text.split(separator: ":").compactMap { Int32($0) }
      #expect([local.tm_hour, local.tm_min, local.tm_sec] == parts + [0])
    }
  }
}
