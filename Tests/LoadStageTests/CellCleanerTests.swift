import IntakeCore
import Testing

@testable import LoadStage

/// White space, invisible characters, and texts that mean "nothing".
struct CellCleanerTests {
  private func cell(_ column: Column, _ text: String) async throws -> (String?, [String]) {
    let quoted = "\"" + text.replacing("\"", with: "\"\"") + "\""
    let loaded = try await Workshop.load("reference,\(column.rawValue)\n1,\(quoted)\n")
    #expect(loaded.codes.isEmpty, "\(loaded.codes)")
    return (loaded.cells(column).first ?? nil, loaded.notices)
  }

  @Test(arguments: [
    "\t", "\u{B}", "\u{C}", "\u{85}", "\u{A0}", "\u{1680}", "\u{2000}", "\u{2003}", "\u{200A}",
    "\u{2028}",
    "\u{2029}", "\u{202F}", "\u{205F}", "\u{3000}", "\n", "\r\n", "  ", " \u{A0} ", " \n ",
  ])
  func whiteSpaceOfEveryKindIsOneBlank(space: String) async throws {
    let (text, notices) = try await cell(.fn, "\(space)Ann\(space)Marie\(space)")
    #expect(text == "Ann Marie")
    #expect(notices.count { $0.contains("white space") } == 1)
  }

  @Test(arguments: [
    ("1 Birch Lane\nApt 4", "1 Birch Lane, Apt 4"),
    ("1 Birch Lane\r\nApt 4", "1 Birch Lane, Apt 4"),
    ("1 Birch Lane,\nApt 4", "1 Birch Lane, Apt 4"),
    ("1 Birch Lane \r\r Apt 4\n", "1 Birch Lane, Apt 4"),
    ("A\nB\nC", "A, B, C"), ("A;\u{2028}B", "A; B"), ("A\u{85}B", "A, B"),
  ])
  func aLineBreakInAnAddressIsAComma(text: String, line: String) async throws {
    for column in [Column.addr, .addr2] {
      let (text, notices) = try await cell(column, text)
      #expect(text == line)
      #expect(notices.contains { $0.contains("line breaks") })
    }
  }

  @Test(arguments: [
    "\u{200B}", "\u{FEFF}", "\u{AD}", "\u{2060}", "\u{200E}", "\u{202A}", "\u{A0}", "\u{3000}",
    "\u{180E}",
  ])
  func whatCannotBeSeenIsTakenOffTheEnds(character: String) async throws {
    for (column, text) in [(Column.email, "a@b.example"), (.fn, "Ann"), (.phone, "+15035550101")] {
      let (cell, notices) = try await cell(column, "\(character) \(text)\(character)")
      #expect(cell == text)
      #expect(notices.contains { $0.contains("taken off") || $0.contains("white space") })
    }
  }

  @Test func aCellOfNothingVisibleIsEmpty() async throws {
    let (text, _) = try await cell(.fn, "\u{A0}\u{200B} \u{FEFF}")
    #expect(text == nil)
  }

  @Test(arguments: [
    (Column.front, "a  b\u{A0}c.jpg"), (.fn, "نی\u{200C}لو"), (.addr, "1 Elm, Apt 2"),
    (.ln, "O'Neil"), (.city, "São Paulo"),
  ])
  func whatBelongsToACellStays(column: Column, text: String) async throws {
    let (cell, notices) = try await cell(column, text)
    #expect(cell == text)
    #expect(!notices.contains { $0.contains("cell") })
  }

  @Test func eachKindIsSaidOnceWithACountAndTheFirstPlace() async throws {
    let rows = (2...100).map { "\($0),A  B,\"x\ny\"\n" }.joined()
    let loaded = try await Workshop.load("id,fn,addr\n" + rows)
    #expect(
      loaded.notices.contains(
        "white space was trimmed or folded to one blank in 99 cells (first: line 2, fn)"))
    #expect(loaded.notices.count { $0.contains("line breaks") } == 1)
    #expect(loaded.codes.isEmpty)
  }

  @Test func textsOfTheOptionMeanAnEmptyCell() async throws {
    let loaded = try await Workshop.load(
      "id,fn,phone,zip\n1,Null,n/a,-\n2,Ada,-,N/A\n3,Ann,none,1\n", ["null": .text("N/A,NULL,-")])
    #expect(loaded.cells(.phone) == [nil, nil])
    #expect(loaded.cells(.fn) == [nil, "Ada"])
    #expect(loaded.codes == ["4 suspicious_value"])
    #expect(loaded.notices.contains { $0.contains("--null") && $0.hasPrefix("5 cells") })
  }

  @Test func jsonIsCleanedLikewise() async throws {
    let loaded = try await Workshop.load(
      #"{"id":"1","fn":"\tAnn  Marie\u00a0","email":"\ufeffa@b.example","addr":"1 Elm\nApt 4","zip":"NULL"}"#,
      ["null": .text("null")])
    #expect(loaded.cells(.fn) == ["Ann Marie"] && loaded.cells(.addr) == ["1 Elm, Apt 4"])
    #expect(loaded.cells(.email) == ["a@b.example"] && loaded.cells(.zip) == [nil])
  }
}
