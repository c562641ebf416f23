import IntakeCore
import Testing

@testable import LoadStage

struct CSVTests {
  @Test(arguments: [
    "id,fn\n1,Ada\n2,Bo\n", "id,fn\r\n1,Ada\r\n2,Bo\r\n", "id,fn\r1,Ada\r2,Bo\r",
    "id,fn\r\n1,Ada\n2,Bo", "\u{FEFF}id,fn\n1,Ada\r2,Bo\r\n", "id,fn\n\n1,Ada\n \n,\n2,Bo\n",
    "\n\nid,fn\n1,Ada\n2,Bo", "\"id\",\"fn\"\n\"1\",\"Ada\"\n 2 ,\t \"Bo\" \n",
    "id;fn\n1;Ada\n2;Bo\n", "id\tfn\n1\tAda\n2\tBo\n", "\"id\";\"fn\"\n1;\"Ada\"\n2;Bo",
  ])
  func lineEndsBlanksAndDelimitersMakeNoDifference(text: String) async throws {
    let loaded = try await Workshop.load(text)
    #expect(loaded.cells(.id) == ["1", "2"])
    #expect(loaded.cells(.fn) == ["Ada", "Bo"])
    #expect(loaded.failures.isEmpty)
  }

  @Test(arguments: [
    ("\"O\"\"Neil\"", "O\"Neil"), ("\"a,b\"", "a,b"), ("\"\"\"\"", "\""), ("=cmd()", "=cmd()"),
    ("@SUM(A1)", "@SUM(A1)"), ("\"\"\"a\"\"\"", "\"a\""), ("\"  inner  \"", "inner"),
    ("José", "José"), ("a;b", "a;b"),
  ])
  func quotedAndOddCellsKeepTheirContent(cell: String, content: String) async throws {
    let loaded = try await Workshop.load("id,addr\n1,\(cell)\n")
    #expect(loaded.cells(.addr) == [content])
  }

  @Test func rowsAreNumberedByTheLineTheyStartOn() async throws {
    let loaded = try await Workshop.load(
      "id,note\n1,\"a\nb\r\nc\rd\"\n\n2,x\r\n3,\"\n\"\r4,y", ["ignore-columns": .list(["note"])])
    #expect(loaded.lines == [2, 7, 8, 10])
    #expect(loaded.failures.isEmpty)
  }

  @Test(arguments: [
    ("1,Ada,x\n", "3 cells, the header has 2"), ("1\n", "1 cell, the header has 2"),
    ("1,Ad\"a\n", "a quote stands in the middle of cell 2"),
    ("1,\"Ada\"x\n", "text follows the closing quote of cell 2"),
    ("1,\"Ada\n", "a quote that opens in the row at line 2 is not closed"),
    ("1,A\u{0}da\n", "fn holds a NUL (U+0000) at character 2"),
    ("1,A\u{1B}[31m\n", "fn holds a control character (U+001B) at character 2"),
  ])
  func aBrokenRowSaysWhatIsWrongWithIt(row: String, message: String) async throws {
    let loaded = try await Workshop.load("id,fn\n" + row)
    #expect(loaded.lines == [2])
    #expect(loaded.failures.first?.count == 1)
    #expect(loaded.failures.first?.first?.detail.contains(message) == true)
  }

  @Test func theRowAfterABrokenOneIsReadAgain() async throws {
    let loaded = try await Workshop.load(
      "id,fn\n1,\"open\n2,Bo\n3,B\"o\n4,\"x\" y\n5,Cy\n6\n7,Di\n")
    #expect(
      loaded.codes == ["2 malformed_row", "4 malformed_row", "5 malformed_row", "7 malformed_row"])
    #expect(loaded.cells(.id) == ["2", "5", "7"])
  }

  @Test func invalidUTF8IsRefusedWithItsByteOffset() async throws {
    let bytes = Array("id,fn,ln\n1,".utf8) + [0xC3, 0xA9, 0xE9] + Array(",Lee\n2,Bo,Li\n".utf8)
    let loaded = try await Workshop().load(text: bytes)
    let failure = try #require(loaded.failures.first?.first)
    #expect(failure.detail == "fn is not valid UTF-8 at byte 13 of the manifest")
    #expect(failure.column == ColumnName(.fn))
    #expect(loaded.cells(.id) == ["2"])
  }

  @Test func theOffsetOfInvalidUTF8IsRightBehindManyPiecesToo() async throws {
    // An umlaut decides for UTF-8; what is wrong later is a damaged cell and no other encoding.
    let filler = "0,Zoë\n" + (1..<20_000).map { "\($0),Ada\n" }.joined()
    let head = "id,fn\n" + filler + "x,"
    let loaded = try await Workshop().load(text: Array(head.utf8) + [0xFF, 0x0A])
    let failure = try #require(loaded.failures.first?.first)
    #expect(failure.detail.contains("at byte \(head.utf8.count) of"))
    #expect(loaded.records.count == 20_000)
  }

  @Test(.timeLimit(.minutes(20)), arguments: ["x", "\"", ",", "\"\"", "a\"", "\u{0}"])
  func anEndlessRowIsRefusedAndTheNextOneIsRead(piece: String) async throws {
    let long = String(repeating: piece, count: 200_000)
    let loaded = try await Workshop.load(
      "id,fn\n1,\(long)\n2,Bo\n", ["max-row-bytes": .integer(4_096)])
    #expect(loaded.lines == [2, 3])
    #expect(loaded.cells(.id) == ["2"])
    #expect(loaded.codes == ["2 malformed_row"])
  }

  @Test func theLimitOnRowsDoesNotDependOnTheirLineEnd() async throws {
    let fits = "1," + String(repeating: "x", count: 1_022)
    let over = "2," + String(repeating: "x", count: 1_025)
    let loaded = try await Workshop.load(
      "id,note\n\(fits)\n\(fits)\r\n\(over)\r\n\(over)",
      [
        "max-row-bytes": .integer(1_024), "ignore-columns": .text("note"),
        "duplicates": .text("allow"),
      ])
    #expect(loaded.codes == ["4 malformed_row", "5 malformed_row"])
  }

  @Test func aHeaderWithoutRowsGivesNoRows() async throws {
    #expect(try await Workshop.load("id,fn\n").rows.isEmpty)
    #expect(try await Workshop.load("id,fn").rows.isEmpty)
  }
}
