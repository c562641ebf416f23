import IntakeCore
import Testing

@testable import LoadStage

struct JSONLinesTests {
  @Test(arguments: [
    "{\"id\":\"1\",\"fn\":\"Ada\"}\n{\"id\":\"2\",\"fn\":\"Bo\"}\n",
    "{\"id\":1,\"fn\":\"Ada\"}\r\n\r\n{\"fn\":\"Bo\",\"id\":2}",
    "\u{FEFF}  {\"ID\":\" 1 \",\"fn\":\"Ada\",\"ln\":null}\n \n{\"id\":\"2\",\"fn\":\"B\\u006f\",\"ln\":\"\"}\n",
  ])
  func objectsAreRowsWithTheSameNames(text: String) async throws {
    let loaded = try await Workshop.load(text)
    #expect(loaded.cells(.id) == ["1", "2"])
    #expect(loaded.cells(.fn) == ["Ada", "Bo"])
    #expect(loaded.cells(.ln) == [nil, nil])
    #expect(loaded.failures.isEmpty)
  }

  @Test(arguments: [
    ("[1]", "a row is an object, not a list"), ("\"x\"", "a row is an object, not a string"),
    ("{\"id\":\"a\",\"id\":\"b\"}", "line 2, column 11: the field \"id\" stands twice"),
    ("{\"id\":\"a\",\"ID\":\"b\"}", "two fields stand for id"),
    ("{\"id\":\"a\",}", "line 2, column 11"), ("{\"id\":\"a\"} // x", "line 2, column 12"),
    ("{\"id\":\"a\"}{\"id\":\"b\"}", "line 2, column 11: there is more after the end"),
    ("{\"fn\":5}", "line 2, column 7: fn is a text, not a number"),
    ("{\"id\":1e999}", "id is a text, not a number"), ("{\"id\":1.5}", "id is a text"),
    ("{\"id\":-1}", "id is a text"), ("{\"fn\":true}", "fn is a text, not true or false"),
    ("{\"fn\":{\"a\":1}}", "fn is a text, not an object"), ("{\"fn\":[\"a\"]}", "not a list"),
    ("{\"fn\":\"\\ud800\"}", "a lone surrogate"), ("{\"fn\":\"a", "line 2, column 7"),
    ("{\"colour\":\"red\"}", "line 2, column 2: the field \"colour\" is unknown"),
    ("{\"url\":\"x\"}", "is not a row's business"), ("{\"fn\":\"\\u0000\"}", "fn holds a NUL"),
  ])
  func aBrokenLineSaysWhereAndWhy(line: String, message: String) async throws {
    let loaded = try await Workshop.load("{\"id\":\"first\"}\n\(line)\n{\"id\":\"last\"}\n")
    #expect(loaded.lines == [1, 2, 3])
    #expect(loaded.cells(.id) == ["first", "last"])
    let details = loaded.failures.first?.map(\.detail) ?? []
    #expect(details.contains { $0.contains(message) }, "\(details)")
  }

  @Test(arguments: [
    ("{\"id\":\"a\",\"id\":\"b\"}", "leave one of the two"),
    ("{\"id\":\"a\",\"ID\":\"b\"}", "leave one of the two"),
    ("{\"fn\":\"\\ud800\"}", "write the character itself in UTF-8, or both halves of its escape"),
    ("{\"id\":\"a\",}", "correct the row and run again"),
    ("{\"id\":\"a\\x\"}", "correct the row and run again"),
    ("{\"id\":\"a\"}{\"id\":\"b\"}", "write one JSON object a line"),
    ("{\"id\":\"a\",", "write one JSON object a line"), ("id,fn", "write one JSON object a line"),
  ])
  func theHintFitsWhatIsWrong(line: String, hint: String) async throws {
    let loaded = try await Workshop.load("{\"id\":\"first\"}\n\(line)\n")
    #expect(loaded.failures.map { $0.map(\.hint) } == [[hint]])
  }

  @Test func aRowWithAnUnknownFieldKeepsItsId() async throws {
    let loaded = try await Workshop.load(
      "{\"id\":\"1\"}\n{\"id\":\"2\",\"emial\":\"x\"}\n{\"id\":\"3\",\"a@b.example\":\"x\"}\n")
    #expect(loaded.codes == ["2 malformed_row", "3 malformed_row"])
    #expect(loaded.rows.map(\.record.row.id) == ["1", "2", "3"])
  }

  @Test func anUnknownNameInTheFirstRowIsFatal() async throws {
    let error = await #expect(throws: StageFailure.self) {
      _ = try await Workshop.load("{\"id\":\"1\",\"emial\":\"x\"}\n")
    }
    #expect(error?.outcome == .fatal)
    #expect(error?.detail.contains("did you mean \"email\"?") == true)
  }

  @Test func aLongLineIsRefusedAndTheNextOneIsRead() async throws {
    let long = String(repeating: "x", count: 100_000)
    let loaded = try await Workshop.load(
      "{\"id\":\"1\"}\n{\"fn\":\"\(long)\"}\n{\"id\":\"2\"}", ["max-row-bytes": .integer(2_048)])
    #expect(loaded.cells(.id) == ["1", "2"])
    #expect(loaded.codes == ["2 malformed_row"])
  }

  @Test func invalidUTF8IsARowError() async throws {
    let bytes = Array("{\"id\":\"1é\"}\n{\"fn\":\"".utf8) + [0xE9] + Array("\"}\n".utf8)
    let loaded = try await Workshop().load(text: bytes)
    #expect(loaded.codes == ["2 malformed_row"])
  }

  @Test func furtherIdentitiesAreNumberedNames() async throws {
    let loaded = try await Workshop.load(
      "{\"id\":\"1\",\"id_type_2\":\"passport\",\"id_number_2\":12}\n")
    let record = try #require(loaded.records.first)
    #expect(record.fields[.idType, 2]?.exposed == "passport")
    #expect(record.fields[.idNumber, 2]?.exposed == "12")
  }
}
