import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A package of somebody else's that depends on this one: built and run as its README says.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(15)))
struct ThirdPartyTests {
  private let folder = TemporaryFolder()
  private let sample = Program.samples + "/third-party-stage"

  /// The caller's PATH, for `swift` may be anywhere.
  private var path: String { getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin" }

  private func shell(_ command: String) async throws -> Program.Result {
    var program = Program(folder: folder)
    program.environment = ["PATH": path]
    program.executable = "/bin/sh"
    return try await program.start(["-c", command]).wait(seconds: 800)
  }

  @Test func itsStagesVendorAndRecorderWorkLikeTheBuiltInOnes() async throws {
    // Its own build folder, beside that of the tests, is kept for the next time.
    let build =
      "swift build --package-path \(sample) --scratch-path \(Program.repository)/.build/third-party"
    let built = try await shell(build)
    #expect(built.code == 0, "\(built.output.suffix(2000))")
    let command = "\(Program.repository)/.build/third-party/debug/watermark-intake"
    let run = try await shell(
      "cd \(folder.path) && \(command) run \(Program.samples)/customers.csv --to \(sample)/plan.json"
    )
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.outcomes == ["accepted": 6])
    let report = try Descriptor.open(folder.path + "/report.csv").wholeFile(atMost: 1 << 20)
    #expect(report.count { $0 == 0x0A } == 6)
    let list = try await shell("\(command) stages list --json")
    let names = try #require(list.rows.first?.elements).compactMap { $0["name"]?.string }
    #expect(names.contains("watermark") && names.contains("acme"))
    let misfit = try await shell(
      "\(command) run x.csv --to sandbox --insert after:base64 watermark --print-plan")
    #expect(misfit.code == 2)
    #expect(misfit.errors.contains("does not fit here"), "\(misfit.errors)")
  }
}
