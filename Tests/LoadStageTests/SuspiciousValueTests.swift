import IntakeCore
import Testing

@testable import LoadStage

/// What spreadsheets and databases do to values, beside what only looks like it.
struct SuspiciousValueTests {
  private func codes(_ column: Column, _ text: String, _ options: [String: OptionValue] = [:])
    async throws -> [String]
  {
    let quoted = "\"" + text.replacing("\"", with: "\"\"") + "\""
    let key = column == .reference ? Column.id : .reference
    return try await Workshop.load("\(key.rawValue),\(column.rawValue)\nx,\(quoted)\n", options)
      .codes
  }

  @Test(arguments: [
    (Column.phone, "1.20156E+10"), (.phone, "5.04E+09"), (.phone, "1,20156E+10"),
    (.zip, "9.73E+04"), (.zip, "9E4"),
    (.id, "7.21045E+12"), (.reference, "1E+05"), (.idNumber, "1.2e-3"), (.phone, "########"),
    (.dob, "#####"),
    (.fn, "#"), (.reference, "#N/A"), (.addr, "#REF!"), (.phone, "#VALUE!"), (.city, "#NAME?"),
    (.zip, "#DIV/0!"),
    (.fn, "NULL"), (.fn, "null"), (.ln, "N/A"), (.back, "n/a"), (.back, "N/A"), (.back, "none"),
    (.front, "-"), (.state, "-"),
    (.addr, "(null)"), (.addr2, "undefined"), (.city, "nan"), (.id, "NaN"),
    (.reference, "None"),
    (.email, "N/A"), (.email, "NULL"), (.dob, "-"), (.dob, "NULL"), (.zip, "—"), (.phone, "--"),
    (.mn, "\\N"),
    (.zip, "=\"04101\""), (.fn, "=\"Ann\""), (.phone, "=+15035550101"), (.id, "=A1"),
    (.zip, "'04101"),
    (.phone, "'+15035550101"), (.id, "'7210448301122"), (.fn, "'Ann"), (.addr, "'12 Elm"),
    (.email, "'a@b.example"),
    (.zip, "97301.0"), (.phone, "5035550101.0"), (.dob, "19700102.0"), (.id, "1001.0"),
    (.zip, "97301,0"),
    (.zip, "97,301"), (.phone, "5,035,550,101"), (.phone, "12345"), (.phone, "911"),
    (.phone, "ext. 5"),
    (.city, "CittÃ\u{A0}"), (.fn, "RenÃ©e"), (.ln, "MÃ¼ller"), (.ln, "O\u{E2}\u{20AC}\u{2122}Neil"),
    (.city, "Mu\u{FFFD}ller"), (.fn, "ZoÃ«"), (.addr, "StraÃŸe"),
    (.fn, "Ù…Ø\u{AD}Ù…Ø¯"), (.fn, "×“×•×“"), (.ln, "× ×—"), (.fn, "È˜tefan"), (.ln, "ÈšepeÈ™"),
    (.city, "ConstanÈ›a"), (.fn, "IonuÈ›"), (.fn, "Ô±Ö€Õ¡Õ´"), (.ln, "TrÆ°Æ¡ng"),
    (.fn, "JoseÌ\u{81}"),
    (.city, "Ð\u{9C}Ð¾ÑÐºÐ²Ð°"), (.fn, "Ren├®e"), (.fn, "Ren√©e"), (.ln, "M?ller"),
    (.ln, "M&uuml;ller"), (.ln, "M&#252;ller"),
    (.dob, "1900-01-01"), (.dob, "19000101"), (.dob, "1899-12-30"), (.dob, "0001-01-01"),
  ])
  func mangledValuesAreRefused(column: Column, text: String) async throws {
    #expect(try await codes(column, text) == ["2 suspicious_value"], "\(column) \(text)")
  }

  @Test(arguments: [
    (Column.phone, "(503) 555-0101"), (.phone, "+1 503 555 0101 ext. 5"),
    (.phone, "503\u{2011}555\u{2011}0101"), (.phone, "503.555.0101"),
    (.phone, "1-800-FLOWERS"), (.phone, "5035550101"), (.zip, "97301-1234"), (.zip, "973011234"),
    (.zip, "04101"), (.zip, "SW1A 1AA"), (.zip, "1010"),
    (.ln, "Null"), (.ln, "Nan"), (.city, "None"), (.fn, "Nil"), (.ln, "'t Hooft"),
    (.city, "'s-Hertogenbosch"), (.ln, "O'Neil"), (.fn, "D’Amico"),
    (.id, "12E5"), (.id, "1E10"), (.reference, "2.0"), (.reference, "N-1"), (.id, "#17"),
    (.addr, "#5 Elm"), (.addr, "Flat 1.0"),
    (.addr, "=cmd()"), (.addr, "12-14 Elm"), (.fn, "Zoë"), (.ln, "Müller"), (.ln, "Ångström"),
    (.city, "São João"), (.city, "IRMÃ"), (.fn, "RENÉ’"), (.fn, "MATÚŠ"), (.ln, "KRÍŽ"),
    (.addr, "CITÉ\u{A0}UNIVERSITÉ\u{A0}5"), (.ln, "Weiß–Preuß"), (.addr, "3×4 „VOß“ »VOß«"),
    (.city, "Úžice"),
    (.addr, "Großstraße “Nord”"), (.addr, "A&B Road"), (.addr, "Why? Lane"),
    (.country, "NA"), (.state, "NU"), (.ln, "Na"),
    (.dob, "1970-01-01"), (.dob, "1900-01-02"), (.city, "Москва"), (.fn, "Νίκος"),
    (.ln, "Nullmann"), (.email, "none@b.example"), (.front, "RenÃ©e.jpg"),
  ])
  func soundValuesPass(column: Column, text: String) async throws {
    #expect(try await codes(column, text).isEmpty, "\(column) \(text)")
  }

  @Test(arguments: [
    ("6614", "US", "CT", true), ("601", "USA", "PR", true), ("2138", "United States", "", true),
    ("6614-1234", "us", "", true),
    ("66141234", "US", "", true), ("1067", "DE", "", true), ("8001", "Spain", "", true),
    ("2138", "", "MA", true),
    ("1010", "AT", "", false), ("8001", "CH", "ZH", false), ("0150", "NO", "", false),
    ("2138", "", "WA", false), ("2000", "AU", "", false),
    ("97301", "US", "", false), ("973011234", "US", "", false), ("12", "US", "", false),
  ])
  func aZipThatLostItsZeroIsToldByTheCountry(
    zip: String, country: String, state: String, isBad: Bool
  ) async throws {
    let loaded = try await Workshop.load("id,zip,country,state\n1,\(zip),\(country),\(state)\n")
    #expect(loaded.codes == (isBad ? ["2 suspicious_value"] : []))
  }

  @Test func aBirthTodayIsADateOfToday() async throws {
    let today = CellRule().latestBirth
    #expect(try await codes(.dob, today.dashed) == ["2 suspicious_value"])
    let lastYear = CalendarDate(daysSince1970: today.daysSince1970 - 365)
    #expect(try await codes(.dob, lastYear.compact).isEmpty)
    #expect(try await codes(.idIssued, today.dashed).isEmpty)
  }

  @Test func theOptionTakesThemAndSaysSo() async throws {
    let text = "id,zip,country,phone\n1,'04101,US,\n2,6614,US,\n3,\"=\"\"04101\"\"\",US,12\n"
    for policy in ["warn", "accept"] {
      let loaded = try await Workshop.load(text, ["suspicious": .text(policy)])
      #expect(loaded.cells(.zip) == ["04101", "6614", "04101"])
      #expect(loaded.codes.isEmpty)
      #expect(loaded.warnings.contains { $0.contains("suspicious value") } == (policy == "warn"))
    }
    let refused = try await Workshop.load(text)
    #expect(refused.codes.count == 4)
    let details = refused.failures.flatMap { $0 }.map(\.description).joined()
    for value in ["04101", "6614", "12 "] { #expect(!details.contains(value)) }
  }

  @Test func whatIsNoDateStaysNoDateWhereMangledValuesAreTaken() async throws {
    #expect(try await codes(.dob, "####", ["suspicious": .text("accept")]) == ["2 invalid_value"])
    #expect(try await codes(.dob, "1900-01-01", ["suspicious": .text("accept")]).isEmpty)
  }

  @Test func everyProblemNamesANextStep() async throws {
    let loaded = try await Workshop.load("id,fn,zip\n1,NULL,97301.0\n")
    let failures = try #require(loaded.failures.first)
    #expect(
      failures[0].hint.contains("--null") && failures[1].hint.contains("load.suspicious=accept"))
  }
}
