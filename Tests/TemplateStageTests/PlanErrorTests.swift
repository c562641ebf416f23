import IntakeCore
import TemplateStage
import Testing

/// What is refused before any manifest is read.
struct PlanErrorTests {
  private func fault(_ options: [String: OptionValue]) -> OptionError? {
    do {
      _ = try Template.with(options)
      return nil
    } catch { return error as? OptionError }
  }

  @Test(arguments: [
    (
      #"{"a":"{emial}"}"#,
      #"line 1, column 6 of the template: {emial}: there is no such column, did you mean "email"?"#
    ),
    (
      "{\n \"a\":\n  \"{image:frnt}\"}",
      #"line 3, column 3 of the template: {image:frnt}: an image is image:front"#
    ),
    (#"{"{id}":1}"#, "column 2 of the template: the name \"{id}\" holds a brace"),
    (#"{"a":"{id"}"#, "a { without its }"), (#"{"a":"id}"}"#, "a } without its {"),
    (#"{"a":"{{id}}"}"#, "{{ begins nothing: placeholders have single braces"),
    (#"{"a":"{i{d}"}"#, "a { without its }"), (#"{"a":"{}"}"#, "there is no such column"),
    (#"{"a":"{front}"}"#, "{front} names a file: write {image:front}"),
    (#"{"a":"{fn:dashed}"}"#, "column \"fn\" holds no date"),
    (#"{"a":"{dob:compct}"}"#, #"did you mean "dob:compact"?"#),
    (#"{"a":"{secret:}"}"#, "isn't a secret"), (#"{"a":"{secret:a b}"}"#, "isn't a secret"),
    (#"{"a":1,}"#, "line 1, column 8 of the template"), (#"{"a":1,"a":2}"#, "stands twice"),
    (#""{id}""#, "an object or a list, not a string"), ("", "line 1, column 1 of the template"),
  ])
  func theBodyIsCheckedWithItsPlace(template: String, expected: String) throws {
    let error = try #require(fault(["body": .text(template)]))
    #expect(error.option == "body")
    #expect(error.description.contains(expected), "\(error)")
  }

  @Test(arguments: [
    ("path", OptionValue.text("customers"), "starts with / or ?"),
    ("path", .text("/{eml}"), #"did you mean "email"?"#),
    ("path", .text("/{secret:key}"), "columns only"),
    ("path", .text("/{image:front}"), "columns only"),
    ("path", .text("/a b"), "percent-encode it"), ("path", .text("/a#b"), "percent-encode it"),
    ("headers", .table(["X Y": "1"]), "isn't a name of a header field"),
    ("headers", .table(["Host": "a"]), "written by the transport"),
    ("headers", .table(["X": "a\r\nY: b"]), "a character that header fields do not have"),
    ("headers", .table(["X": "{image:front}"]), "no image fits"),
    ("headers", .table(["X": "{id"]), "X: a { without its }"),
    ("headers", .table(["X-A": "1", "x-a": "2"]), "written twice"),
    ("required", .list(["email", "bob"]), #"did you mean "dob"?"#),
    ("success", .list(["404"]), "codes from 200 to 299"),
    ("accepted-when", .list(["result"]), "write PATH=VALUE"),
    ("accepted-when", .list(["a..b=1"]), "isn't a path"),
    ("status-path", .text(".a"), "isn't a path"),
    ("auth", .text("baerer"), #"did you mean "bearer"?"#),
    ("auth", .text("header:"), "header:NAME"), ("method", .text("GET"), "POST | PUT | PATCH"),
    ("body-file", .text("/missing/body.json"), "there is no such file"),
  ])
  func everyOptionIsCheckedByName(option: String, value: OptionValue, expected: String) throws {
    let error = try #require(fault([option: value]))
    #expect(error.option == option)
    #expect(error.description.contains(expected), "\(error)")
  }

  @Test func theBodyIsGivenOnce() throws {
    let none = #expect(throws: OptionError.self) {
      try Template()
    }
    #expect(none?.description.contains("give body or body-file") == true)
    let both = fault(["body": .text("{}"), "body-file": .text("a.json")])
    #expect(both?.description.contains("not both") == true)
  }

  @Test func anOwnFieldForTheKeyIsNotWrittenTwice() {
    let error = fault(["auth": .text("bearer"), "headers": .table(["authorization": "x"])])
    #expect(error?.description.contains("written twice") == true)
  }
}
