import IntakeCore
import IntakeTesting
import Testing
import WatermarkStages

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
      described: CSVReport.self, options: ["path": .text("/dev/null")])
    #expect(report.isConforming, "\(report.text)")
  }

  @Test func theWatermarkDarkensItsLinesAndNothingElse() throws {
    let options = try StageOptions(["spacing": .integer(10)], for: Watermark.descriptor)
    let image = try SampleImage.document(SampleImage.png(width: 40, height: 40))
    let before = try image.pixels().luma
    let context = StageContext(row: RowReference(line: 2), side: .front)
    let after = try Watermark(options: options).run(image, in: context).pixels().luma
    let changed = before.samples.indices.filter { before.samples[$0] != after.samples[$0] }
    #expect(changed.count == 160)
    #expect(changed.allSatisfy { ($0 / 40 + $0 % 40) % 10 == 0 })
  }
}
