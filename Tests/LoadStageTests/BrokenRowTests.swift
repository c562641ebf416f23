import IntakeCore
import Testing

@testable import LoadStage

/// Rows whose cells nobody can tell apart, and quotes that swallow others.
struct BrokenRowTests {
  private static let header = "id,reference,email,fn,ln,addr,phone\n"

  private func check(_ loaded: Loaded, hides words: [String]) {
    for row in loaded.rows where !row.failures.isEmpty {
      let shown = "\(row.record.row) \(row.failures) \(row.record)"
      for word in words { #expect(!shown.contains(word), "\(shown)") }
    }
  }

  @Test(arguments: [
    "bob@b.example,Bob,Smith,2 Elm Street,5035550102\n", "\"Smith, Carol\",123-45-6789\n",
    "R1;x;bob@b.example;Bob;Smith;2 Elm Street;5035550102\n",
    "R1,x,bob@b.example,Bob,Smith,2 Elm Street,5035550102,Apt 4\n",
    "bob@b.example,Bob,Smith,2 Elm Street,5035550102,,\n",
    "x,R1,y,bob@b.example,Bob,Smith,2 Elm Street\n",
    "R1,x,bob@b.example,Bo\"b,Smith,2 Elm Street,5035550102\n", "\"R1,x,bob@b.example,Bob,Smith\n",
  ])
  func aRowWhoseCellsAreShiftedHasNoName(row: String) async throws {
    let loaded = try await Workshop.load(BrokenRowTests.header + row)
    #expect(loaded.codes == ["2 malformed_row"])
    #expect(loaded.rows.first?.record.row == RowReference(line: 2))
    check(loaded, hides: ["bob", "Bob", "Smith", "Elm", "503555", "Carol", "6789"])
  }

  @Test func anIdThatIsAnAddressIsNotShownWithARefusedRow() async throws {
    let loaded = try await Workshop.load(
      "id,email,dob\nbob@b.example,bob@b.example,1980-13-01\nR2,b@b.example,1980-13-01\n")
    #expect(loaded.rows.map(\.record.row.id) == [nil, "R2"])
  }

  @Test func aRowOfAnotherDelimiterSaysWhich() async throws {
    let loaded = try await Workshop.load("id,fn,ln\n1;Ada;Lee\n")
    #expect(
      loaded.failures.first?.first?.hint.contains("by a comma and not by a semicolon") == true)
  }

  private func table(_ rows: Int, open: Int, close: Int) -> String {
    (1...rows).reduce(BrokenRowTests.header) { text, number in
      let addr = "\(number == open ? "\"" : "")\(number) Elm\(number == close ? "\"" : "")"
      return text + "R\(number),x\(number),a\(number)@b.example,Ann,Lee,\(addr),5035550101\n"
    }
  }

  @Test(arguments: [(2, 9), (1, 2), (1, 12), (5, 7)])
  func aQuoteThatClosesInALaterRowHidesNone(open: Int, close: Int) async throws {
    let loaded = try await Workshop.load(table(12, open: open, close: close))
    #expect(loaded.rows.count == 12)
    #expect(loaded.codes == ["\(open + 1) malformed_row", "\(close + 1) malformed_row"])
    let detail = try #require(loaded.failures.first?.first?.detail)
    #expect(detail.contains("spans lines \(open + 1)–\(close + 1)"))
    #expect(
      detail.contains("\(close - open) further row") && detail.contains("is a quote not closed?"))
    check(loaded, hides: ["@", "Elm", "503555"])
  }

  @Test func aQuoteThatMeetsTheNextOneSaysWhichLines() async throws {
    let loaded = try await Workshop.load(
      "id,fn,addr\n1,Ada,\"1 Elm\n2,Bo,\"2 Elm\"\n3,Cy,\"3 Elm\"\n")
    #expect(loaded.codes == ["2 malformed_row"])
    #expect(loaded.failures[0][0].detail.contains("spans lines 2–3; is a quote not closed?"))
    #expect(loaded.cells(.id) == ["2", "3"])
  }

  @Test func aCellThatIsTooLongMayBeWholeOrNot() async throws {
    let cell = String(repeating: "x", count: 200_000)
    let loaded = try await Workshop.load(
      "id,fn,addr\n1,\"\(cell)\",1 Elm\n2,Bo,\"2 Elm\n", ["max-row-bytes": .integer(1_024)])
    let failures = loaded.failures.compactMap(\.first)
    try #require(failures.count == 2, "\(loaded.codes)")
    #expect(failures[0].detail.hasSuffix(", or not within the 1024 bytes that a row may have"))
    #expect(failures[0].hint.contains("raise load.max-row-bytes"))
    #expect(failures[1].detail.hasSuffix("the row at line 3 is not closed"))
    #expect(!failures[1].hint.contains("max-row-bytes"))
  }

  @Test(arguments: [
    "1,\"Line one, and two\nand three, four\",Ada\n", "1,\"a\nb\nc\nd\ne\",Ada\n",
    "1,\"1 Elm, Floor 2\nRoom 3, Door 4\",Ada\n",
  ])
  func aCellOfSeveralLinesIsNoRow(row: String) async throws {
    let loaded = try await Workshop.load("id,addr,fn\n" + row + "2,x,Bo\n")
    #expect(loaded.codes.isEmpty && loaded.cells(.fn) == ["Ada", "Bo"])
  }

  @Test func aNarrowTableIsLookedAtMoreClosely() async throws {
    let loaded = try await Workshop.load(
      "id,note,front\n1,\"x,a.jpg\n2,y\",b.jpg\n3,z,c.jpg\n", ["ignore-columns": .text("note")])
    #expect(loaded.lines == [2, 3, 4])
    #expect(loaded.codes == ["2 malformed_row", "3 malformed_row"])
  }
}

/// JSON that isn't JSON Lines: objects over several lines, and lists.
struct JSONLayoutTests {
  private static let objects = [
    "{\n  \"id\": \"1\",\n  \"fn\": \"A{d]a\\\"\"\n}", "{\n  \"id\": \"2\",\r\n  \"fn\": \"Bo\"\n}",
    "{\"id\": \"3\", \"fn\": \"Cy\"}",
  ]

  @Test(arguments: [
    ("", "\n", "\n"), ("", "", ""), ("[", ",", "]"), ("[\n", ",\n", "\n]\n"),
    ("\u{FEFF}  [ ", " , ", " ] "), ("[", "\n,", ",]"),
  ])
  func everyLayoutGivesTheSameRows(start: String, between: String, end: String) async throws {
    let text = start + JSONLayoutTests.objects.joined(separator: between) + end
    let loaded = try await Workshop.load(text)
    #expect(loaded.cells(.id) == ["1", "2", "3"] && loaded.cells(.fn) == ["A{d]a\"", "Bo", "Cy"])
    #expect(loaded.codes.isEmpty)
    #expect(loaded.notices.contains { $0.contains("JSON list") } == start.contains("["))
    #expect(loaded.notices.contains { $0.contains("several lines") } != start.contains("["))
    let before = text.components(of: "{\n").first ?? ""
    #expect(loaded.lines.first == before.unicodeScalars.count { $0 == "\n" } + 1)
  }

  @Test func aListOnOneLineIsReadPieceByPiece() async throws {
    let list = (0..<40_000).map { "{\"id\":\"\($0)\",\"fn\":\"Ada\"}" }.joined(separator: ",")
    let loaded = try await Workshop.load("[" + list + "]", ["max-row-bytes": .integer(1_024)])
    #expect(loaded.records.count == 40_000 && loaded.codes.isEmpty)
  }

  @Test(
    arguments: [
      ("[{\"id\":\"1\"},5,\"x\",null,{\"id\":\"2\"}]", ["1", "2"], 3),
      ("[{\"id\":\"1\"},{\"id\":},{\"id\":\"2\"}]", ["1", "2"], 1),
      ("[{\"id\":\"1\"},{\"id\":\"x\n},{\"id\":\"2\"}]", ["1", "2"], 1),
      ("[\n{\"id\":\"1\"},\n{\"id\":\"x\",\n{\"id\":\"2\"}]", ["1", "2"], 1),
      ("[{\"id\":\"1\"},{\"id\":\"2\"}", ["1", "2"], 1), ("[{\"id\":\"1\"},{\"id\":\"2", ["1"], 1),
      ("[]", [], 0), ("[{\"id\":\"1\"}][{\"id\":\"2\"}]", ["1", "2"], 0),
      ("{\n\"id\":\"1\"\n}\n{\n\"id\":\"x\n}\n{\n\"id\":\"2\"\n}\n", ["1", "2"], 1),
    ] as [(String, [String], Int)])
  func aBrokenElementHidesNoOther(text: String, ids: [String], failures: Int) async throws {
    let loaded = try await Workshop.load(text)
    #expect(loaded.cells(.id) == ids)
    #expect(loaded.failures.count == failures, "\(loaded.codes)")
  }

  @Test func anElementThatIsTooLongIsRefusedAndTheNextOneIsRead() async throws {
    let long = String(repeating: "x", count: 100_000)
    let loaded = try await Workshop.load(
      "[{\"id\":\"1\"},{\"fn\":\"\(long)\"},{\"id\":\"2\"}]", ["max-row-bytes": .integer(2_048)])
    #expect(loaded.cells(.id) == ["1", "2"] && loaded.codes == ["1 malformed_row"])
  }

  @Test func anUnknownNameIsPlacedInItsLine() async throws {
    let loaded = try await Workshop.load(
      "[\n{\"id\":\"1\"},\n{\n  \"id\": \"2\",\n  \"emial\": \"x\"\n}]")
    #expect(
      loaded.failures.first?.first?.detail.hasPrefix("line 5, column 3: the field \"emial\"")
        == true)
  }

  @Test func brokenLinesAreNotTakenForAnObjectOfSeveral() async throws {
    let loaded = try await Workshop.load("{\"id\":\"1\",\"fn\":\n{\"id\":\"2\"}\n{\"id\":\"3\"}\n")
    #expect(loaded.cells(.id) == ["2", "3"] && loaded.codes == ["1 malformed_row"])
  }
}

extension String {
  fileprivate func components(of separator: String) -> [Substring] {
    split(separator: separator, omittingEmptySubsequences: false)
  }
}
