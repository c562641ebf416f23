import Testing

@testable import NoahStage

struct TablesTests {
  @Test func allAssignedCountriesAreKnown() {
    #expect(CountryCodes.count == 249)
  }

  @Test func everyStateAndProvinceIsKnownByCodeAndByName() throws {
    let states = try #require(StateCodes.of("US"))
    let provinces = try #require(StateCodes.of("CA"))
    #expect(states.codeCount == 57)
    #expect(provinces.codeCount == 13)
    #expect(StateCodes.of("DE") == nil)
  }
}
