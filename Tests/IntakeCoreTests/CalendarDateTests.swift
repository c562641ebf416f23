import IntakeCore
import Testing

struct CalendarDateTests {
  @Test(arguments: ["19700131", "1970-01-31", "20240229", "2000-02-29"])
  func realDaysAreRead(text: String) {
    #expect(CalendarDate(text) != nil)
  }

  @Test(arguments: [
    "1990-02-30", "20230229", "1900-02-29", "31/12/1980", "1980-1-1", "00000101", "", "１９９００１０１",
  ])
  func otherTextIsNoDay(text: String) {
    #expect(CalendarDate(text) == nil)
  }

  @Test func bothFormsKeepLeadingZeros() throws {
    let date = try #require(CalendarDate("0987-06-05"))
    #expect(date.compact == "09870605")
    #expect(date.dashed == "0987-06-05")
  }
}
