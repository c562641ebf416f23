import IntakeCore
import NoahStage
import Testing

struct RulesTests {
  @Test func aCompleteRowHasNoProblem() throws {
    #expect(try Row().problems().isEmpty)
  }

  @Test(arguments: [
    ("id", ""), ("fn", ""), ("ln", ""), ("dob", ""), ("addr", ""), ("city", ""), ("zip", ""),
    ("state", ""), ("country", ""),
  ])
  func anEmptyRequiredCellIsNamed(column: String, cell: String) throws {
    let problems = try Row.with([column: cell]).problems()
    #expect(problems.map(\.column?.description) == [column])
    #expect(problems.map(\.code) == [.missingValue])
  }

  @Test(arguments: [
    ("id", "N 2001"), ("id", "N/2001"), ("id", ".."), ("id", String(repeating: "x", count: 37)),
    ("fn", String(repeating: "x", count: 51)), ("ln", String(repeating: "é", count: 51)),
    ("mn", String(repeating: "x", count: 51)), ("dob", "19900230"), ("dob", "1990-5-2"),
    ("email", "lena.whitcombe"), ("email", "a b@example.com"), ("email", "a@b@example.com"),
    ("phone", "9165550134"), ("phone", "+0165550134"), ("phone", "+1916555013412345"),
    ("addr", "X"), ("addr", String(repeating: "x", count: 201)),
    ("city", String(repeating: "x", count: 101)), ("zip", String(repeating: "9", count: 21)),
    ("state", "ZZ"), ("state", "Ontario"), ("country", "USA"), ("country", "UK"),
    ("id_type", "passport"), ("id_number", String(repeating: "1", count: 37)),
    ("id_country_2", "ZZ"), ("id_issued", "20219901"), ("id_expiry", "2021-05-03"),
  ])
  func aCellThatTheVendorWouldRefuseIsNamedAndNotRepeated(column: String, cell: String) throws {
    let problems = try Row.with([column: cell]).problems()
    #expect(problems.map(\.column?.description) == [column])
    #expect(problems.map(\.code) == [.invalidValue])
    for problem in problems { #expect(!problem.description.contains(cell)) }
  }

  /// JSON Schema counts code points, so a letter with its accent apart is two.
  @Test func lengthsCountUnicodeScalars() throws {
    let letter = "e\u{301}"
    #expect(try Row.with(["fn": String(repeating: letter, count: 25)]).problems().isEmpty)
    #expect(try Row.with(["fn": String(repeating: letter, count: 26)]).problems().count == 1)
  }

  @Test func everyErrorOfARowIsFoundInOnePass() throws {
    let problems = try Row.with([
      "id": "a b", "fn": "", "dob": "x", "email": "x", "state": "Nowhere", "id_type": "Pasport",
      "id_number_2": "",
    ]).problems()
    #expect(
      Set(problems.compactMap(\.column?.description))
        == ["id", "fn", "dob", "email", "state", "id_type", "id_number_2"])
    #expect(problems.count == 7)
  }

  @Test func aMisspeltDocumentTypeIsAnsweredWithTheNearestName() throws {
    let problem = try #require(try Row.with(["id_type": "Pasport"]).problems().first)
    #expect(problem.detail.contains(#"did you mean "Passport"?"#))
  }

  @Test func aPartlyFilledIdentityNamesEachMissingColumn() throws {
    let problems = try Row.with(["id_expiry_3": "20300101"]).problems()
    #expect(
      problems.map(\.column?.description) == ["id_type_3", "id_number_3", "id_country_3"])
  }

  @Test func aRowWithoutIdentityNeedsTheOption() throws {
    let names = Row().cells.keys.filter { ColumnName($0)?.column.isNumbered == true }
    let row = Row.with(Dictionary(uniqueKeysWithValues: names.map { ($0, "") }))
    #expect(try row.problems().map(\.code) == [.missingValue])
    #expect(try row.problems(["allow-no-identity": .flag(true)]).isEmpty)
    #expect(try row.submission().text.contains(#""Identities":[]"#))
  }

  @Test func theLegacySchemaDoesNotLookAtEmailAndPhone() throws {
    let row = Row.with(["email": "nobody", "phone": "1"])
    #expect(try row.problems(["schema": .text("legacy")]).isEmpty)
    #expect(try row.problems().count == 2)
  }
}
