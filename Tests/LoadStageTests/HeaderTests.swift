import IntakeCore
import Testing

@testable import LoadStage

struct HeaderTests {
  private func refusal(_ text: String, _ options: [String: OptionValue] = [:]) async throws
    -> StageFailure
  {
    let error = await #expect(throws: StageFailure.self) {
      _ = try await Workshop.load(text, options)
    }
    let failure = try #require(error)
    #expect(failure.outcome == .fatal)
    #expect(!failure.hint.isEmpty)
    return failure
  }

  @Test(arguments: [
    ("id,emial\n", "column 2 \"emial\" is unknown, did you mean \"email\"?"),
    ("id,Birth Date\n", "column 2 \"Birth Date\" is unknown"),
    ("id,fn,ID\n", "columns 1 and 3 both stand for \"id\""),
    ("id,endpoint\n", "\"endpoint\" is not a row's business"),
    ("id,Password\n", "\"Password\" is not a row's business"),
    ("id,id_type_1\n", "\"id_type_1\" is unknown"),
    ("id,id_type_21\n", "\"id_type_21\" is unknown"),
    ("", "the manifest is empty"), ("\n \n", "the manifest is empty"),
    ("\u{FEFF}", "the manifest is empty"), (",,\n", "the manifest is empty"),
  ])
  func aHeaderThatCannotBeUsedIsFatal(text: String, message: String) async throws {
    let failure = try await refusal(text)
    #expect(failure.detail.contains(message), "\(failure.detail)")
  }

  @Test func aHeaderOfMoreThan1024ColumnsIsFatal() async throws {
    let commas = String(repeating: ",", count: 1_024)
    let failure = try await refusal("id\(commas)\n1\(commas)\n")
    #expect(failure.detail == "the header has 1025 columns, 1024 are allowed")
    let most = commas.dropLast()
    #expect(try await Workshop.load("id\(most)\n1\(most)\n").cells(.id) == ["1"])
  }

  @Test func everyUnknownColumnIsNamedAtOnce() async throws {
    let failure = try await refusal("id,emial,adress,lnn\n")
    #expect(failure.detail.contains("emial") && failure.detail.contains("adress"))
    #expect(failure.detail.contains("lnn"))
    #expect(failure.hint.contains("--map") && failure.hint.contains("--ignore-column"))
  }

  @Test func aFirstLineOfDataIsNotShown() async throws {
    let failure = try await refusal("17,jane@example.com,Jane,Doe,19800101\n")
    #expect(failure.detail.contains("isn't a header"))
    for word in ["jane", "Jane", "Doe", "1980"] {
      #expect(!failure.description.contains(word))
    }
  }

  @Test func dataAmongKnownNamesIsNotShownEither() async throws {
    let failure = try await refusal("id,jane@example.com,123-45-6789\n")
    #expect(!failure.description.contains("jane") && !failure.description.contains("6789"))
    #expect(failure.detail.contains("column 2") && failure.detail.contains("column 3"))
  }

  @Test func aHeaderThatIsNotTheEncodingThatWasGivenIsFatal() async throws {
    let error = await #expect(throws: StageFailure.self) {
      _ = try await Workshop().load(
        text: Array("id,pr".utf8) + [0xE9] + Array("nom\n1,x\n".utf8),
        ["encoding": .text("UTF-8")])
    }
    #expect(error?.detail == "the header is not valid UTF-8 at byte 5")
  }

  @Test func namesAreTrimmedAndReadInAnyCaseWithANotice() async throws {
    let loaded = try await Workshop.load("ID, Email ,FN\n1,a@b.example,Ada\n")
    #expect(loaded.cells(.email) == ["a@b.example"])
    #expect(
      loaded.notices == [
        #"columns read under other names: "ID" as "id", "Email" as "email", "FN" as "fn""#
      ])
  }

  @Test func columnsAreRenamedAndIgnored() async throws {
    let loaded = try await Workshop.load(
      "id,Birth Date,password,Notes\n1,19800102,x,y\n",
      ["map": .table(["birth date": "dob"]), "ignore-columns": .list(["password", "NOTES"])])
    #expect(loaded.cells(.dob) == ["19800102"])
    #expect(loaded.notices.contains(#"columns "password", "Notes" are ignored"#))
    #expect(loaded.notices.contains(#"column "Birth Date" is read as "dob""#))
  }

  @Test func aRenamedColumnThatIsNotThereIsNoticed() async throws {
    let loaded = try await Workshop.load("id\n1\n", ["map": .table(["Brith": "dob"])])
    #expect(loaded.warnings == ["there is no column \"Brith\" to rename or ignore"])
  }

  @Test func everyUnknownColumnIsListed() async throws {
    let names = (1...12).map { "other\("abcdefghijkl".dropFirst($0 - 1).prefix(1))" }
    let failure = try await refusal((["id", "email"] + names).joined(separator: ",") + "\n")
    for name in names { #expect(failure.detail.contains("\"\(name)\" is unknown")) }
  }

  @Test func mappingToAnUnknownColumnIsAnOptionError() throws {
    let error = #expect(throws: OptionError.self) {
      try Load(given: ["map": .table(["Mail": "emial"])])
    }
    #expect(error?.description.contains("did you mean \"email\"?") == true)
  }

  @Test func aColumnWithoutANameMustBeEmpty() async throws {
    let loaded = try await Workshop.load("id,fn,\n1,Ada,\n2,Bo,x\n")
    #expect(loaded.cells(.id) == ["1"])
    #expect(loaded.codes == ["3 malformed_row"])
  }

  @Test func aRecognisedDelimiterIsReported() async throws {
    let loaded = try await Workshop.load("id;fn\n1;a,b\n")
    #expect(loaded.cells(.fn) == ["a,b"])
    #expect(loaded.notices.contains { $0.contains("semicolon") })
  }

  @Test func aGivenDelimiterIsKept() async throws {
    let loaded = try await Workshop.load("id;fn\n1;Ada\n", ["delimiter": .text("semicolon")])
    #expect(!loaded.notices.contains { $0.contains("semicolon") })
    _ = try await refusal("id;fn\n1;Ada\n", ["delimiter": .text("comma")])
  }

  @Test func aBatchWithoutIdsSaysHowItsRowsAreKnown() async throws {
    let loaded = try await Workshop.load("email\na@b.example\n")
    #expect(loaded.notices.contains { $0.hasPrefix("no id or reference column") })
  }
}
