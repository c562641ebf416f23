import IntakeCore
import Testing

@testable import LoadStage

struct WithoutDuplicatesTests {
  @Test(
    arguments: [
      ("id,fn\n1,Ada\n1,Ada\n", ["3 duplicate_row"]),
      ("id,fn\n1,Ada\n1,Bo\n", ["3 conflicting_row"]),
      ("id,fn\n1,Ada\n2,Ada\n", []), ("fn,ln\nAda,Lee\nAda,Lee\nAda,Li\n", ["3 duplicate_row"]),
      ("id,email\n1,a@b.example\n2,A@B.Example\n", ["3 conflicting_row"]),
      ("id,email\n1,a@b.example\n2, a@b.example \n3,a+x@b.example\n", ["3 conflicting_row"]),
      ("email,fn\na@b.example,Ada\nA@b.example,Bo\n", ["3 conflicting_row"]),
      ("id,email\n1,a@b.example\n,a@b.example\n", ["3 conflicting_row"]),
      ("id,reference\n1,x\n,1\n", ["3 conflicting_row"]),
      // Of several customers nobody knows the address.
      ("id,email\n1,ann@\n2,ann@\n", ["2 invalid_value", "3 invalid_value"]),
      ("email,fn\nann@,Ada\nann@,Bo\n", ["2 invalid_value", "3 invalid_value"]),
      (
        "email,fn\nann@,Ada\nann@,Ada\n",
        ["2 invalid_value", "3 duplicate_row", "3 invalid_value"]
      ),
      ("id,dob\n1,1980-13-01\n1,1980-12-01\n", ["2 invalid_value", "3 conflicting_row"]),
      (
        "id,fn\n1,Ada\n1,Ada\n1,Bo\n1,Ada\n",
        ["3 duplicate_row", "4 conflicting_row", "5 duplicate_row"]
      ),
    ] as [(String, [String])])
  func theLaterOfTwoRowsIsRefused(text: String, codes: [String]) async throws {
    #expect(try await Workshop.load(text).codes == codes)
    let allowed = try await Workshop.load(text, ["duplicates": .text("allow")])
    #expect(allowed.codes.allSatisfy { $0.hasSuffix("invalid_value") })
  }

  @Test(arguments: [
    ("id,email,dob\n1,a@b.example,\n2,a@b.example,1980-13-01\n", ColumnName(.email)),
    ("id,email,dob\n1,a@b.example,\n1,c@b.example,1980-13-01\n", ColumnName(.id)),
  ])
  func aRowThatIsBadAnywayNamesItsClashToo(text: String, column: ColumnName) async throws {
    let failures = try #require(try await Workshop.load(text).failures.first)
    #expect(failures.map(\.code) == [.conflictingRow, .invalidValue])
    #expect(failures.map(\.column) == [column, ColumnName(.dob)])
  }

  @Test func theOtherLineIsNamedAndNeverTheAddress() async throws {
    let loaded = try await Workshop.load("id,email\n1,a@b.example\n\n2,a@b.example\n")
    let failure = try #require(loaded.failures.first?.first)
    #expect(failure.detail.contains("line 2"))
    #expect(!failure.description.contains("@") && failure.column == ColumnName(.email))
  }

  @Test func theOrderOfColumnsAndTheFormatMakeNoDifferenceToIdentity() async throws {
    let rows = [
      try await Workshop.load("fn,ln\nAda,Lee\n"), try await Workshop.load("ln;fn\nLee;Ada\n"),
      try await Workshop.load("{\"ln\":\"Lee\",\"id\":null,\"fn\":\"Ada\"}\n"),
    ].flatMap(\.records)
    #expect(Set(rows.map(\.identity)).count == 1 && rows.count == 3)
  }

  @Test func kindsOfIdentityNeverMeet() async throws {
    let loaded = try await Workshop.load(
      "id,email,fn\na@b.example,,\n,a@b.example,\n,,a@b.example\n")
    #expect(Set(loaded.records.map(\.identity)).count == 3)
  }

  @Test func anIdMayStandInEitherColumn() async throws {
    let one = try await Workshop.load("id,fn\n7,Ada\n")
    let other = try await Workshop.load("reference,fn\n7,Bo\n")
    #expect(one.records.first?.identity == other.records.first?.identity)
  }

  @Test func composedAndDecomposedLettersAreDifferentIds() async throws {
    let loaded = try await Workshop.load("id,fn\n\u{E9},Ada\ne\u{301},Ada\n")
    #expect(loaded.records.count == 2)
  }

  @Test func manyRowsAreFoundAgain() async throws {
    let once = (0..<40_000).map { "\($0),u\($0)@b.example\n" }
    let text = "id,email\n" + once.joined() + once.joined()
    let loaded = try await Workshop.load(text)
    #expect(loaded.records.count == 40_000)
    #expect(loaded.failures.count == 40_000)
    #expect(loaded.failures.last?.first?.detail.hasSuffix("line 40001") == true)
    #expect(loaded.codes.allSatisfy { $0.hasSuffix("duplicate_row") })
  }
}
