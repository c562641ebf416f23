import IntakeCore
import IntakeTesting
import Testing
import WatermarkStages

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

private let hasSQLite = access("/usr/bin/sqlite3", X_OK) == 0

struct WatermarkStagesTests {
  @Test func theWatermarkKeepsTheRulesOfStages() async {
    let report = await StageConformance.check(Watermark.self)
    #expect(report.isConforming, "\(report.text)")
  }

  @Test func theAssemblerKeepsTheRulesOfStages() async {
    let report = await StageConformance.check(Acme.self)
    #expect(report.isConforming, "\(report.text)")
  }

  @Test func theReportKeepsTheRulesOfStages() async {
    let report = await StageConformance.check(
      CSVReport.self, options: ["path": .text("/dev/null")])
    #expect(report.isConforming, "\(report.text)")
  }

  @Test(.enabled(if: hasSQLite, "sqlite3 is not there"))
  func theTableKeepsTheRulesOfStages() async {
    let path = temporaryFile()
    defer { unlink(path) }
    let report = await StageConformance.check(
      SQLiteTable.self, options: ["path": .text(path)])
    #expect(report.isConforming, "\(report.text)")
  }

  /// Rows whose id would be a command, a quote or a line of its own come out as they went in.
  @Test(.enabled(if: hasSQLite, "sqlite3 is not there"))
  func noValueIsTakenForSQL() async throws {
    let ids = ["C-1", "'); DROP TABLE outcomes; --", "\n.shell touch gone\n", "é\"\u{1F600}", ""]
    let path = temporaryFile()
    defer { unlink(path) }
    let table = try SQLiteTable(given: ["path": .text(path)])
    try await table.prepare()
    for (line, id) in ids.enumerated() {
      let row = RowReference(line: line + 2, id: id)
      try table.run(
        Outcome(row: row, key: nil, verdict: .accepted), in: StageContext(row: row))
    }
    await table.finish()
    let output = try sqlite(path, "SELECT hex(id) FROM outcomes ORDER BY row;")
    #expect(
      output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        == ids.map { hex($0)[...] })
  }

  private func temporaryFile() -> String {
    "/tmp/docintake-sqlite-\(UInt64.random(in: 0...(.max))).db"
  }

  private func hex(_ text: String) -> String {
    text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
  }

  private func sqlite(_ path: String, _ query: String) throws -> String {
    let pipe = try #require(popen("/usr/bin/sqlite3 '\(path)' '\(query)'", "r"))
    defer { pclose(pipe) }
    var bytes: [UInt8] = []
    var byte = getc(pipe)
    while byte != EOF {
      bytes.append(UInt8(truncatingIfNeeded: byte))
      byte = getc(pipe)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func theWatermarkDarkensItsLinesAndNothingElse() throws {
    let watermark = try Watermark(given: ["spacing": .integer(10)])
    let image = try SampleImage.document(SampleImage.png(width: 40, height: 40))
    let before = try image.pixels().luma
    let context = StageContext(row: RowReference(line: 2), side: .front)
    let after = try watermark.run(image, in: context).pixels().luma
    let changed = before.samples.indices.filter { before.samples[$0] != after.samples[$0] }
    #expect(changed.count == 160)
    #expect(changed.allSatisfy { ($0 / 40 + $0 % 40) % 10 == 0 })
  }
}
