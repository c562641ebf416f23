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
      "swift test --package-path \(sample) --scratch-path \(Program.repository)/.build/third-party"
    let built = try await shell(build)
    #expect(built.code == 0, "\(built.output.suffix(2000))")
    let main = try Descriptor.open(sample + "/Sources/watermark-intake/main.swift")
      .wholeFile(atMost: 1 << 16)
    #expect(main.count { $0 == 0x0A } == 4)
    let command = "\(Program.repository)/.build/third-party/debug/watermark-intake"
    let hasSQLite = access("/usr/bin/sqlite3", X_OK) == 0
    let table = hasSQLite ? " --insert after:csv-report 'sqlite-table path=outcomes.db'" : ""
    let run = try await shell(
      "cd \(folder.path) && \(command) run \(Program.samples)/customers.csv --to \(sample)/plan.json"
        + table)
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.outcomes == ["accepted": 6])
    let report = try Descriptor.open(folder.path + "/report.csv").wholeFile(atMost: 1 << 20)
    #expect(report.count { $0 == 0x0A } == 6)
    if hasSQLite {
      let query = "SELECT count(*), min(outcome), sum(http) FROM outcomes"
      let rows = try await shell("/usr/bin/sqlite3 \(folder.path)/outcomes.db '\(query)'")
      #expect(rows.output == "6|accepted|1200\n", "\(rows.errors)")
    }
    for row in run.rows {
      let stages = try #require(row["ms"]?.fields).map(\.name)
      #expect(
        stages == ["load", "decode", "watermark", "shrink", "base64", "assemble", "submit"])
    }
    let list = try await shell("\(command) stages list --json")
    let names = try #require(list.rows.first?.elements).compactMap { $0["name"]?.string }
    #expect(names.contains("watermark") && names.contains("acme"))
    let request = try await shell(
      "\(command) run \(Program.samples)/customers.csv --to \(sample)/acme.json --dry-run --limit 1"
    )
    #expect(request.code == 0, "\(request.errors)")
    #expect(request.rows.first?["request"]?["body"]?["front"]?.string?.hasPrefix("[jpeg ") == true)
    let misfit = try await shell(
      "\(command) run x.csv --to sandbox --insert after:base64 watermark --print-plan")
    #expect(misfit.code == 2)
    #expect(misfit.errors.contains("does not fit here"), "\(misfit.errors)")
  }
}
