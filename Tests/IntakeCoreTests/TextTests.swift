import IntakeCore
import Testing

struct NearestNameTests {
  @Test(arguments: [
    ("emial", "email"), ("Reference", "reference"), ("frnt", "front"), ("fronts", "front"),
  ])
  func misspeltNamesFindTheirColumn(text: String, expected: String) {
    #expect(NearestName.of(text, among: Column.allCases.map(\.rawValue)) == expected)
  }

  @Test(arguments: ["", "x", "completely-different", "zzzz"])
  func farNamesFindNothing(text: String) {
    #expect(NearestName.of(text, among: ["email", "front"]) == nil)
  }
}

struct SanitizerTests {
  @Test(arguments: [
    ("\u{1B}[31mred", "\\u{1b}[31mred"), ("a\nb", "a\\u{a}b"), ("\u{202E}x", "\\u{202e}x"),
    ("Zoë", "Zoë"),
  ])
  func controlCharactersAreShownNotDone(text: String, expected: String) {
    #expect(Sanitizer.clean(text) == expected)
  }

  @Test func longTextIsCut() {
    #expect(Sanitizer.clean(String(repeating: "x", count: 300), limit: 10) == "xxxxxxxxxx…")
  }
}

struct PersonalTests {
  @Test func personalValuesPrintAsNothing() {
    var fields = CustomerFields()
    fields[.email] = Personal("ava@example.com")
    var dumped = ""
    dump(fields, to: &dumped)
    #expect(!"\(fields)\(String(reflecting: fields))\(dumped)".contains("ava"))
  }

  @Test func secretsPrintAsNothing() {
    let credentials = Credentials(["pass": Secret("hunter2")])
    var dumped = ""
    dump(credentials, to: &dumped)
    #expect(!"\(credentials)\(String(reflecting: credentials))\(dumped)".contains("hunter2"))
  }
}

struct ColumnNameTests {
  @Test(arguments: ["email", "id_type", "id_type_2", "id_expiry_20"])
  func knownNamesAreRead(text: String) {
    #expect(ColumnName(text)?.description == text)
  }

  @Test(arguments: ["id_type_1", "id_type_21", "email_2", "id_type_", "Email", "", "_2"])
  func otherNamesAreNot(text: String) {
    #expect(ColumnName(text) == nil)
  }
}
