import IntakeCore
import Testing

@testable import LoadStage

/// Dates as people and programs write them, and which option reads a whole column.
struct DateFormatTests {
  @Test(arguments: [
    ("MM/DD/YYYY", "01/02/1970", "19700102"), ("MM/DD/YYYY", "1/2/1970", "19700102"),
    ("DD/MM/YYYY", "01/02/1970", "19700201"),
    ("mm/dd/yyyy", "02/13/1970", "19700213"), ("DD.MM.YYYY", "2.1.1970", "19700102"),
    ("D.M.YYYY", "02.01.1970", "19700102"),
    ("YYYY-MM-DD hh:mm:ss", "1970-01-02 00:00:00", "19700102"),
    ("YYYY-MM-DD hh:mm:ss", "1970-01-02 00:00:00.000", "19700102"),
    ("yyyy-mm-dd HH:MM:SS", "1970-01-02 07:30:00", "19700102"),
    ("YYYY-MM-DDThh:mm:ssZ", "1970-01-02T00:00:00Z", "19700102"),
    ("YYYY-MM-DDThh:mm:ssZ", "1970-01-02T00:00:00.000+00:00", "19700102"),
    ("MM/DD/YYYY hh:mm:ss AM", "1/2/1970 12:00:00 AM", "19700102"),
    ("M/D/YYYY h:mm am", "1/2/1970 1:30 pm", "19700102"), ("YYYY/MM/DD", "1970/01/02", "19700102"),
    ("YYYY-M-D", "1970-1-2", "19700102"), ("DD-MMM-YYYY", "02-Jan-1970", "19700102"),
    ("DD-MMM-YYYY", "2-MAR-1970", "19700302"),
    ("MMM D, YYYY", "Jan 2, 1970", "19700102"), ("MMMM D, YYYY", "January 2, 1970", "19700102"),
    ("D. MMM YYYY", "2. Mai 1970", "19700502"),
    ("D. MMMM YYYY", "2. März 1970", "19700302"), ("DD MMM YYYY", "02 ene 1970", "19700102"),
    ("D MMM YYYY", "2 févr. 1970", "19700202"),
    ("M/D/YY", "1/2/70", "19700102"), ("MM/DD/YY", "1/2/05", "20050102"),
    ("DDMMYYYY", "02011970", "19700102"),
    ("excel", "25569", "19700101"), ("excel", "25569.0", "19700101"), ("excel", "1", "19000101"),
    ("excel", "2027", "19050719"),
    ("excel", "61", "19000301"),
    ("Excel", "45292", "20240101"), ("excel1904", "24107", "19700101"),
  ])
  func aFormatReadsWhatIsInIt(format: String, text: String, day: String) throws {
    let today = try #require(CalendarDate("20261122"))
    let format = try #require(DateFormat(format))
    #expect(format.date(text, latest: today)?.compact == day)
  }

  @Test(arguments: [
    ("MM/DD/YYYY", "13/02/1970"), ("MM/DD/YYYY", "1/2/70"), ("MM/DD/YYYY", "01-02-1970"),
    ("MM/DD/YYYY", "02/30/1970"),
    ("MM/DD/YYYY", "01/02/1970 x"), ("YYYY-MM-DD hh:mm:ss", "1970-01-02 25:00:00"),
    ("YYYY-MM-DDThh:mm:ssZ", "1970-01-01T23:00:00Z"),
    ("DD-MMM-YYYY", "02-Foo-1970"), ("DDMMYYYY", "2011970"), ("excel", "60"), ("excel", "0"),
    ("excel", "25569.5"), ("excel", "1900"), ("excel", "1970.0"), ("excel", "2026"),
    ("excel1904", "1985"), ("excel", "x"), ("excel", "256000"),
  ])
  func aFormatLeavesEverythingElse(format: String, text: String) throws {
    let today = try #require(CalendarDate("20261122"))
    #expect(try #require(DateFormat(format)).date(text, latest: today) == nil)
  }

  @Test(arguments: ["", "x", "MM/YYYY", "MM/DD", "DD/DD/MM/YYYY", "hh:mm"])
  func aFormatHasADayAMonthAndAYear(text: String) {
    #expect(DateFormat(text) == nil)
    #expect(throws: OptionError.self) { try Load(given: ["date-format": .text(text)]) }
  }

  @Test func datesThatAreReadAreSentAsDays() async throws {
    let loaded = try await Workshop.load(
      "id,dob,id_expiry\n1,1/2/1970,12/31/2030\n2,1970-01-03,20301231\n3,02/30/1970,\n",
      ["date-format": .text("MM/DD/YYYY")])
    #expect(loaded.cells(.dob) == ["1970-01-02", "1970-01-03"])
    #expect(loaded.cells(.idExpiry) == ["2030-12-31", "20301231"])
    #expect(loaded.codes == ["4 invalid_value"])
  }

  @Test func daysOfASpreadsheetAreReadWithTheirZeros() async throws {
    let loaded = try await Workshop.load(
      "id,dob\n1,25569\n2,25569.0\n3,25571.000\n", ["date-format": .text("excel")])
    #expect(loaded.cells(.dob) == ["1970-01-01", "1970-01-01", "1970-01-03"])
  }

  @Test func eightDigitsMeanWhatTheFormatSays() async throws {
    let loaded = try await Workshop.load(
      "id,dob\n1,10111970\n2,19701110\n", ["date-format": .text("DDMMYYYY")])
    #expect(loaded.cells(.dob) == ["1970-11-10"])
    #expect(loaded.codes == ["3 invalid_value"])
  }

  @Test(arguments: [
    (
      ["01/02/1970", "13/02/1970"],
      "all 2 dates fit DD/MM/YYYY, 1 of them not MM/DD/YYYY: give --date-format DD/MM/YYYY"
    ),
    (
      ["02/13/1970", "1/2/1970", "1/3/1970"],
      "all 3 dates fit MM/DD/YYYY, 1 of them not DD/MM/YYYY: give --date-format MM/DD/YYYY"
    ),
    (["01/02/1970", "03/04/1970"], "all 2 dates fit MM/DD/YYYY and DD/MM/YYYY alike"),
    (["2.1.1970"], "the date fits DD.MM.YYYY: give --date-format DD.MM.YYYY"),
    (["Jan 2, 1970", "May 3, 1971"], "give --date-format 'MMM D, YYYY'"),
    (["25569", "30000.0"], "all 2 dates fit excel: give --date-format excel"),
    (["1970", "1985"], "all 2 dates fit no usual format"),
    (["19700102", "02-Jan-1970"], "the date that was not read fits DD-MMM-YYYY"),
    (
      ["02/13/1970", "13/02/1970"],
      "of 2 dates, 1 fit MM/DD/YYYY, 1 fit DD/MM/YYYY; no one format fits them all"
    ),
    (["1970-02-30"], "the date fits no usual format"),
  ])
  func theEndSaysWhichFormatReadsTheColumn(dates: [String], advice: String) async throws {
    let rows = dates.enumerated().map { "\($0),\($1.contains(",") ? "\"\($1)\"" : $1)\n" }.joined()
    let loaded = try await Workshop.load("id,dob\n" + rows)
    #expect(
      loaded.warnings.contains { $0.hasPrefix("dob: ") && $0.contains(advice) },
      "\(loaded.warnings)")
    #expect(loaded.codes.allSatisfy { $0.hasSuffix("invalid_value") })
  }

  @Test func eachColumnHasItsOwnAdvice() async throws {
    let loaded = try await Workshop.load(
      "id,dob,id_expiry,id_expiry_2\n1,13/02/1970,02/13/2030,02/14/2030\n")
    #expect(loaded.warnings.count == 2)
    #expect(loaded.warnings[1].hasPrefix("id_expiry: all 2 dates fit MM/DD/YYYY"))
  }

  @Test func aCellSaysWhichFormatsFitItAndNotWhatItHolds() async throws {
    let loaded = try await Workshop.load("id,dob\n1,13/02/1970\n2,nonsense\n")
    let failures = loaded.failures.flatMap { $0 }
    #expect(
      failures[0].detail == "dob isn't a day in the form YYYYMMDD or YYYY-MM-DD, but in DD/MM/YYYY")
    #expect(failures[0].hint == "give --date-format DD/MM/YYYY")
    #expect(failures[1].hint.contains("--date-format") && !failures[1].detail.contains("nonsense"))
  }
}
