import Testing

@testable import NoahStage

struct TablesTests {
  @Test func allAssignedCountriesAreKnown() {
    #expect(CountryCodes.all.count == 249)
  }

  @Test func everyStateAndProvinceIsKnownByCodeAndByName() throws {
    let states = try #require(StateCodes.of("US"))
    let provinces = try #require(StateCodes.of("CA"))
    #expect(Set(states.codes.values).count == 57)
    #expect(Set(provinces.codes.values).count == 13)
    #expect(StateCodes.of("DE") == nil)
  }
}
