import IntakeCore
import TestSupport
import Testing

struct JSONParserTests {
  private func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)) }

  @Test func valuesKeepTheirPlace() throws {
    let value = try parse(#"{"a": [1, "x"]}"#)
    #expect(value["a"]?.offset == 6)
    #expect(value["a"]?.elements?[1].offset == 10)
    #expect(value["a"]?.elements?[1].string == "x")
  }

  @Test(arguments: [
    (#""\u00e9\n\/""#, "é\n/"), (#""\ud83d\ude00""#, "😀"), (#""\\""#, "\\"), ("\"Zoë\"", "Zoë"),
  ])
  func stringsAreUnescaped(text: String, expected: String) throws {
    #expect(try parse(text).string == expected)
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\":1,}", "01", "1.", "+1", "nul", "'x'", "{\"a\" 1}", "\"\u{1}\"", "1 2",
    #""\ud800""#, #""\ud800\u0041""#, #""\x""#, #""\u12"#, "// note\n1", "NaN", "[1 2]",
    #"{"a":1"b":2}"#,
  ])
  func otherTextIsRefused(text: String) {
    #expect(throws: JSONParser.Failure.self) { try parse(text) }
  }

  @Test func aFieldThatStandsTwiceIsRefusedWhereItStandsAgain() {
    let failure = #expect(throws: JSONParser.Failure.self) { try parse(#"{"a":1,"a":2}"#) }
    #expect(failure?.offset == 7)
    #expect(failure?.message == "the field \"a\" stands twice")
  }

  @Test func depthIsBounded() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: JSONParser.Failure.self) { try parse(deep) }
  }

  @Test func invalidUTF8IsRefused() {
    #expect(throws: JSONParser.Failure.self) { try JSONParser.parse([0x22, 0xE9, 0x22]) }
  }

  @Test func numbersBeyondADoubleAreNoNumbers() throws {
    #expect(try parse("1e999").number == nil)
    #expect(try parse("1e999").integer == nil)
    #expect(try parse("12").integer == 12)
    #expect(try parse("1e2").integer == 100)
  }

  @Test func randomBytesNeverTrap() {
    var random = SeededRandom.announced()
    let alphabet = Array(#"{}[]":,\u0d8ntrue0123456789.eE+- "#.utf8) + [0xE9, 0x00]
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 0...24, using: &random)).map { _ in
        alphabet.randomElement(using: &random) ?? 0
      }
      if let value = try? JSONParser.parse(text) { #expect(value.offset <= text.count) }
    }
  }

  @Test func whatIsWrittenReadsBack() throws {
    let text = "quote \" backslash \\ control \u{1} tab \t newline \n é 😀 / \u{7F}"
    let output = JSONOutput.object([("k", .array([.string(text), .decimal(1.5), .null]))]).text
    #expect(try parse(output)["k"]?.elements?[0].string == text)
    #expect(!output.utf8.contains(0x0A))
  }
}
