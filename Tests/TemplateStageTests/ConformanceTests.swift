import IntakeTesting
import TemplateStage
import Testing

struct ConformanceTests {
  @Test func theStageKeepsTheRulesOfTheKit() async {
    let report = await StageConformance.check(Template.self)
    #expect(report.isConforming, "\(report)")
  }
}
