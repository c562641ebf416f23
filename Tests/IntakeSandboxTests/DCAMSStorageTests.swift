import IntakeCore
import IntakeSandbox
import Testing

@Suite(.timeLimit(.minutes(20)))
struct DCAMSStorageTests {
  static let person = [
    ("fn", "Ada"), ("ln", "Quill"), ("addr", "1 Elm St"), ("city", "Salem"), ("state", "OR"),
    ("zip", "97301"), ("dob", "19800229"), ("phone", "5035550100"),
  ]
  static let attributes = ["fn", "ln", "addr", "city", "state", "zip", "dob", "email", "phone"]

  static func email(_ text: String = "ada@example.com") -> [(String, JSONOutput)] {
    [("email", .string(text))]
  }

  @Test func createAnswersEveryDocumentedFieldInTheDocumentedOrder() throws {
    let box = try TestSandbox()
    let answer = try box.post(
      Request.create("Ada@example.com", Self.person, reference: .string("77")))
    #expect(answer.status == 200)
    #expect(answer[header: "Content-Type"] == "application/json")
    let value = try answer.json
    #expect(
      value.fields?.map(\.name)
        == ["result", "reference", "customer_link", "status", "type", "target"])
    #expect(value["result"]?.string == "Success")
    #expect(value["reference"]?.string == "77")
    #expect(value["status"]?.string == "PENDING")
    #expect(value["type"]?.string == "createCustomer")
    #expect(value["target"]?.fields?.map(\.name) == Self.attributes)
    #expect(value["target"]?["email"]?.string == "Ada@example.com")
  }

  @Test func secondCreateOfAnEmailInOtherLettersIsAnUpdate() throws {
    let box = try TestSandbox()
    _ = try box.post(Request.create("Ada@example.com", Self.person))
    let answer = try box.post(Request.create("ADA@EXAMPLE.COM", [("fn", "Eda")])).json
    #expect(answer["type"]?.string == "updateCustomer")
    #expect(answer["target"]?["email"]?.string == "Ada@example.com")
    #expect(try box.customers().count == 1)
  }

  @Test func updateKeepsWhatItDoesNotName() throws {
    let box = try TestSandbox()
    _ = try box.post(
      Request.create(
        "ada@example.com", Self.person, back: Request.png(9), reference: .string("1")))
    let answer = try box.post(Request.create("ada@example.com", [("fn", "Eda")])).json
    #expect(answer["target"]?["fn"]?.string == "Eda")
    #expect(answer["target"]?["ln"]?.string == "Quill")
    #expect(answer["reference"]?.string == "1")
    #expect(try box.customers().first?["images"]?["back"] != nil)
  }

  @Test func switchToReplaceForgetsWhatAnUpdateDoesNotName() throws {
    let box = try TestSandbox(switches: ["update=replace"])
    _ = try box.post(Request.create("ada@example.com", Self.person, back: Request.png(9)))
    let answer = try box.post(Request.create("ada@example.com", [("fn", "Eda")])).json
    #expect(answer["target"]?.fields?.map(\.name) == ["fn", "email"])
    #expect(try box.customers().first?["images"]?["back"] == nil)
  }

  @Test(arguments: [JSONOutput.integer(888), .string("888")])
  func referenceComesBackAsItWasSent(reference: JSONOutput) throws {
    let box = try TestSandbox()
    let answer = try box.post(Request.create("ada@example.com", reference: reference))
    #expect(answer.text.contains("\"reference\":\(reference.text)"))
  }

  @Test func updateStatusAnswersTheStatusInsideTheTarget() throws {
    let box = try TestSandbox()
    _ = try box.post(Request.create("ada@example.com", Self.person, reference: .string("5")))
    let target = Self.email() + [("status", .string("PASS"))]
    let value = try box.post(Request.body("updateStatus", target)).json
    #expect(value.fields?.map(\.name) == ["result", "reference", "target"])
    #expect(value["target"]?.fields?.map(\.name) == Self.attributes + ["status"])
    #expect(value["target"]?["status"]?.string == "PASS")
    let later = try box.post(Request.body("getStatus", Self.email())).json
    #expect(later["status"]?.string == "PASS")
  }

  @Test func getStatusAnswersTheStatusOnTopAndNoImage() throws {
    let box = try TestSandbox()
    _ = try box.post(Request.create("ada@example.com", Self.person, reference: .string("5")))
    let value = try box.post(Request.body("getStatus", Self.email("ADA@example.com"))).json
    #expect(value.fields?.map(\.name) == ["result", "reference", "status", "target"])
    #expect(value["target"]?.fields?.map(\.name) == Self.attributes)
  }

  @Test func getStatusIgnoresAStatusAndSaysSoInTheLog() throws {
    let box = try TestSandbox()
    _ = try box.post(Request.create("ada@example.com"))
    let target = Self.email() + [("status", .string("PASS"))]
    let value = try box.post(Request.body("getStatus", target)).json
    #expect(value["status"]?.string == "PENDING")
    #expect(try box.requests().last?["notes"]?.elements?.first?.string?.contains("ignored") == true)
  }

  @Test(arguments: [0, 1, 2, 3, 299, 300, 301])
  func getDocumentImagesAnswersTheBytesThatWereStored(extra: Int) throws {
    let box = try TestSandbox()
    let front = Request.png() + (0..<extra).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    _ = try box.post(Request.create("ada@example.com", front: front))
    let value = try box.post(Request.body("getDocumentImages", Self.email())).json
    #expect(value.fields?.map(\.name) == ["result", "status", "target"])
    let documents = value["target"]?["documents"]
    #expect(documents?["front"]?.string == Request.base64(front))
    #expect(documents?["back"] == nil)
  }

  @Test(arguments: [("absent", nil), ("empty", "\"\""), ("null", "null")])
  func missingBackLooksAsTheSwitchSays(value: String, expected: String?) throws {
    let box = try TestSandbox(switches: ["missing-back=\(value)"])
    _ = try box.post(Request.create("ada@example.com"))
    let text = try box.post(Request.body("getDocumentImages", Self.email())).text
    #expect(text.contains("\"back\"") == (expected != nil))
    if let expected { #expect(text.contains("\"back\":\(expected)")) }
  }

  @Test func storedImagesComeBackAsTheSwitchSays() throws {
    let jpeg: [UInt8] = [0xFF, 0xD8, 0xFF, 0xD9]
    for (value, expected) in [
      ("kept", Request.base64(jpeg)), ("omitted", nil),
      (
        "reencoded",
        Request.base64(
          [0xFF, 0xD8, 0xFF, 0xFE, 0, 15] + Array("encoded again".utf8) + [0xFF, 0xD9])
      ),
    ] {
      let box = try TestSandbox(switches: ["stored-images=\(value)"])
      _ = try box.post(Request.create("ada@example.com", front: jpeg))
      let answer = try box.post(Request.body("getDocumentImages", Self.email())).json
      #expect(answer["result"]?.string == "Success")
      #expect((answer["target"]?["documents"] != nil) == (value != "omitted"))
      #expect(answer["target"]?["documents"]?["front"]?.string == expected)
    }
  }

  @Test func dataURIsAreTakenAndRecorded() throws {
    let box = try TestSandbox()
    let text = "data:image/png;base64," + Request.base64(Request.png())
    let target = Self.email() + [("documents", .object([("front", .string(text))]))]
    #expect(try box.post(Request.body("createOrUpdateCustomer", target)).status == 200)
    let image = try box.customers().first?["images"]?["front"]
    #expect(image?["prefix"]?.string == "image/png")
    #expect(image?["bytes"]?.integer == Request.png().count)
    #expect(image?["width"]?.integer == 3)
  }

  @Test(arguments: [
    "", "A", "AB", "ABC", "AB=C", "A===", "====", "AAAA BBBB", "AAAA\nBBBB", "AB-_", "ABCDE===",
    "data:image/png;base64", "data:text/html;base64,AAAA", "data:image/png,AAAA",
    "data:image/png;base64,", "data:image/png;base64,AA", "\u{0}\u{0}\u{0}\u{0}", "ÄÄ",
  ])
  func undecodableImagesAreMissingInputs(text: String) throws {
    let box = try TestSandbox()
    let target = Self.email() + [("documents", .object([("front", .string(text))]))]
    let answer = try box.post(Request.body("createOrUpdateCustomer", target))
    #expect(answer.status == 400)
    #expect(answer.text == Self.missing)
    #expect(try box.customers().isEmpty)
  }

  static let missing = #"{"result":"Error","message":"Missing a required input"}"#

  @Test(arguments: [
    ("documented", true, false), ("top", true, false), ("target", false, true),
    ("both", true, true),
  ])
  func statusStandsWhereTheSwitchSays(value: String, isTop: Bool, isInTarget: Bool) throws {
    let box = try TestSandbox(switches: ["status-location=\(value)"])
    let answer = try box.post(Request.create("ada@example.com")).json
    #expect((answer["status"] != nil) == isTop)
    #expect((answer["target"]?["status"] != nil) == isInTarget)
  }

  @Test func switchesSetStatusLinkAndErrorCode() throws {
    let box = try TestSandbox(switches: [
      "create-status=PASS", "customer-link=absent", "error-code=200", "front-on-update=optional",
    ])
    let created = try box.post(Request.create("ada@example.com")).json
    #expect(created["status"]?.string == "PASS")
    #expect(created["customer_link"] == nil)
    let refused = try box.post(Request.body("getStatus", Self.email("no@example.com")))
    #expect(refused.status == 200)
    #expect(refused.text.contains("The email address was not found"))
    #expect(try box.post(Request.create("ada@example.com", front: nil)).status == 200)
    #expect(try box.post(Request.create("new@example.com", front: nil)).text == Self.missing)
  }

  @Test func unknownFieldsAreIgnoredAndNoted() throws {
    let box = try TestSandbox()
    let target = Self.email() + [("shoe", .integer(43))]
    _ = try box.post(Request.create("ada@example.com"))
    #expect(try box.post(Request.body("getStatus", target)).status == 200)
    #expect(
      try box.requests().last?["notes"]?.elements?.first?.string == "unknown field target.shoe")
  }

  @Test func otherMethodsAreRefusedWithTheOneThatWorks() throws {
    let box = try TestSandbox()
    let answer = try box.client.exchange("PUT", "/v3/stable/api/storage", body: Array("{}".utf8))
    #expect(answer.status == 405)
    #expect(answer[header: "Allow"] == "POST")
  }
}
