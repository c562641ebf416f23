import DCAMSStage
import IntakeCore
import TemplateStage
import Testing

struct BodyTests {
  @Test(arguments: [
    (#"say "hi" \ now"#, #""say \"hi\" \\ now""#), ("tab\tline\nend\r", #""tab\tline\nend\r""#),
    ("\u{01}\u{1F}\u{7F}", #""\u0001\u001f\u007f""#), ("Zoë 林 👩‍👩‍👧", #""Zoë 林 👩‍👩‍👧""#),
    ("</script>", #""</script>""#), ("{id}", #""{id}""#), ("\u{2028}", "\"\u{2028}\""),
  ])
  func aCellIsAJSONTextWhateverItHolds(cell: String, json: String) throws {
    let body = try Row.with(["fn": cell]).body(#"{"name":"{fn}","more":"a {fn}"}"#)
    let inside = json.dropFirst().dropLast()
    #expect(body == #"{"name":"\#(inside)","more":"a \#(inside)"}"#)
    #expect(try JSONParser.parse(Array(body.utf8))["name"]?.string == cell)
  }

  @Test func literalsNumbersAndOrderStayAsTheTemplateHasThem() throws {
    let template = #" { "b" : 1.50e3 , "a" : [ true , null, -0 ], "t":"q\"\u0041\/é" } "#
    #expect(try Row().body(template) == #"{"b":1.50e3,"a":[true,null,-0],"t":"q\"A/é"}"#)
  }

  @Test func anEmptyCellLeavesItsMemberOrElementOut() throws {
    let body = try Row.with(["phone": "", "city": ""]).body(
      #"{"a":"{phone}","list":["{city}","{fn}"],"in":{"c":["{city}"]},"own":{},"mixed":"{fn} {phone}"}"#
    )
    #expect(body == #"{"list":["Ada"],"own":{},"mixed":"Ada "}"#)
  }

  @Test func datesComeInTheFormAskedFor() throws {
    let template = #"{"a":"{dob}","b":"{dob:compact}","c":"{dob:dashed}"}"#
    #expect(
      try Row.with(["dob": "19900521"]).body(template)
        == #"{"a":"19900521","b":"19900521","c":"1990-05-21"}"#)
  }

  @Test func numberedColumnsHaveTheirPlaces() throws {
    let row = Row.with(["id_type_2": "Passport", "id_issued_2": "20210503"])
    #expect(
      try row.body(#"["{id_type}","{id_type_2}","{id_issued_2:dashed}"]"#)
        == #"["Passport","2021-05-03"]"#)
  }

  @Test func scansAreSegmentsThatAreNeverCopied() throws {
    let body = try Row().submission([
      "body": .text(#"{"f":"{image:front}","b":"{image:back:data-uri}"}"#)
    ]).body
    let sides = body.compactMap { if case .image(let image) = $0 { image.side } else { nil } }
    #expect(sides == [.front, .back])
    #expect(
      String(decoding: body.flatMap { $0.bytes(with: nil) }, as: UTF8.self)
        == #"{"f":"RlJPTlQ=","b":"data:image/jpeg;base64,QkFDSw=="}"#)
  }

  @Test func aMissingBackLeavesOutWhateverHoldsIt() throws {
    let template =
      #"{"f":"{image:front}","b":"{image:back}","u":"{image:back:data-uri}","m":"x {image:back:media-type}"}"#
    #expect(try Row.with(sides: [.front]).body(template) == #"{"f":"RlJPTlQ="}"#)
  }

  @Test func theMediaTypeIsThatOfTheScan() throws {
    let stage = try Template.with(["body": .text(#"{"m":"{image:front:media-type}"}"#)])
    let record = Row().record
    let assembly = Assembly(record: record, images: [.front: Row.image(.front, .png)])
    let made = try stage.run(assembly, in: StageContext(row: record.row))
    #expect(made.text == #"{"m":"image/png"}"#)
  }

  @Test func bracesHaveNamesOfTheirOwn() throws {
    #expect(try Row().body(#"["{brace:open}id{brace:close} {id}"]"#) == #"["{id} T-1"]"#)
  }

  @Test func dcamsAsATemplateGivesTheSameBytes() throws {
    let template = #"""
      {"user":"{secret:user}","pass":"{secret:pass}","service":"createOrUpdateCustomer",
       "reference":"{reference}","target":{"email":"{email}","fn":"{fn}","ln":"{ln}","addr":"{addr}",
       "city":"{city}","state":"{state}","zip":"{zip}","dob":"{dob:compact}","phone":"{phone}",
       "documents":{"front":"{image:front}","back":"{image:back}"}}}
      """#
    let row = Row.with(["fn": "Ada \"\\\n\u{01} Ö", "zip": "04101"])
    let dcams = try DCAMS()
    let expected = try dcams.run(row.assembly, in: StageContext(row: row.record.row))
    let made = try row.submission(["body": .text(template)])
    let credentials = ["user": "a\"b", "pass": "p\\"]
    #expect(
      try made.request(credentials).body.flatMap(\.self)
        == expected.request(credentials).body.flatMap(\.self))
  }

  @Test func theImageBudgetLeavesRoomForEverythingElse() throws {
    for template in [
      #"{"f":"{image:front}","b":"{image:back}"}"#, #"["{image:front}","{image:front}","{fn}"]"#,
    ] {
      let stage = try Template.with(["body": .text(template), "max-body": .integer(20_000)])
      let record = Row.with(["fn": String(repeating: "\u{01}", count: 900)]).record
      let budget = try #require(stage.imageBudget(for: record))
      let uses = template.contains("back") ? 1 : 2
      let most = EncodedImage.encodedSize(of: budget) * uses
      #expect((15_000 - (uses - 1) * 6000...20_000).contains(most), "\(most)")
    }
    #expect(try Template.with([:]).imageBudget(for: Row().record) == nil)
  }
}
