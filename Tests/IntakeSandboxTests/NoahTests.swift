import IntakeCore
import IntakeSandbox
import Testing

@Suite(.timeLimit(.minutes(20)))
struct NoahTests {
  static let key = [HTTPField("X-Api-Key", "apikey_sandbox_0123")]

  /// A body that every profile but `legacy` accepts, with changes made by name.
  static func individual(_ change: (String) -> String = { $0 }) -> [UInt8] {
    let text = #"""
      {"Type":"Individual","FullName":{"FirstName":"Ada","LastName":"Quill"},"DateOfBirth":"1980-02-29",
      "Email":"ada@example.com","Identities":[{"IssuingCountry":"US","IDNumber":"D1","IDType":"DrivingLicense"}],
      "PrimaryResidence":{"Street":"1 Elm St","City":"Salem","PostCode":"97301","State":"OR","Country":"US"}}
      """#
    return Array(change(text).utf8)
  }

  func put(_ box: TestSandbox, _ body: [UInt8], id: String = "c-1") throws -> HTTPResponse {
    try box.client.exchange("PUT", "/v1/customers/\(id)", Self.key, body: body)
  }

  /// `field reason` of each entry of the error list.
  func complaints(_ answer: HTTPResponse) throws -> [String] {
    let entries = try answer.json["RequestExtension"]?["Body"]?.elements ?? []
    return entries.map { "\($0["Field"]?.string ?? "") \($0["Reason"]?.string ?? "")" }
  }

  @Test func firstPutCreatesAndTheNextUpdatesBothWithoutABody() throws {
    let box = try TestSandbox()
    let first = try put(box, Self.individual())
    #expect(first.status == 201 && first.body.isEmpty)
    let second = try put(box, Self.individual())
    #expect(second.status == 204 && second.body.isEmpty)
    #expect(try box.customers().count == 1)
  }

  @Test(arguments: ["*", "a%2Fb", "customers"])
  func anyTextOfThePathIsACustomerID(id: String) throws {
    let box = try TestSandbox()
    #expect(try put(box, Self.individual(), id: id).status == 201)
    let answer = try box.client.exchange("GET", "/v1/customers/\(id)", Self.key)
    #expect(try answer.json["CustomerID"]?.string == id.replacing("%2F", with: "/"))
    #expect(try put(box, Self.individual(), id: "").status == 404)
  }

  @Test func getAnswersWhatWasPutAndHowItWasJudged() throws {
    let box = try TestSandbox()
    _ = try put(box, Self.individual())
    let answer = try box.client.exchange("GET", "/v1/customers/c-1", Self.key)
    let value = try answer.json
    #expect(answer.status == 200)
    #expect(value["Type"]?.string == "Individual")
    #expect(value["CustomerID"]?.string == "c-1")
    #expect(value["FullName"]?["LastName"]?.string == "Quill")
    #expect(value["Verification"]?["Status"]?.string == "Approved")
    #expect(value["Created"]?.string?.hasSuffix("Z") == true)
  }

  @Test(arguments: [("404", 404), ("400", 400)])
  func unknownCustomerIsNotFoundAsTheSwitchSays(value: String, status: Int) throws {
    let box = try TestSandbox(switches: ["noah-missing=\(value)"])
    let answer = try box.client.exchange("GET", "/v1/customers/nobody", Self.key)
    #expect(answer.status == status)
    #expect(try answer.json["Type"]?.string == "ResourceNotFound")
  }

  static let refusals: [(from: String, to: String, complaint: String)] = [
    (#""FirstName":"Ada","#, "", "FullName.FirstName SchemaValidation"),
    (#""Ada""#, #""""#, "FullName.FirstName SchemaValidation"),
    (
      #""Ada""#, "\"" + String(repeating: "é", count: 51) + "\"",
      "FullName.FirstName SchemaValidation"
    ),
    (#""Ada""#, "7", "FullName.FirstName SchemaValidation"),
    ("1980-02-29", "1981-02-29", "DateOfBirth SchemaValidation"),
    ("1980-02-29", "19800229", "DateOfBirth SchemaValidation"),
    (
      #""IssuingCountry":"US""#, #""IssuingCountry":"us""#,
      "Identities[0].IssuingCountry SchemaValidation"
    ),
    ("DrivingLicense", "drivingLicense", "Identities[0].IDType SchemaValidation"),
    (#""IDNumber":"D1","#, "", "Identities[0].IDNumber SchemaValidation"),
    ("1 Elm St", "1", "PrimaryResidence.Street SchemaValidation"),
    (#""State":"OR""#, #""State":"Oregon""#, "PrimaryResidence.State IntegrityValidation"),
    (#""Individual""#, #""Person""#, "Type SchemaValidation"),
    (#""PrimaryResidence":{"#, #""Elsewhere":{"#, "PrimaryResidence SchemaValidation"),
  ]

  @Test(arguments: refusals)
  func wrongFieldsAreNamedWithTheirFullPath(from: String, to: String, complaint: String) throws {
    let box = try TestSandbox()
    let body = Self.individual { text in
      let parts = text.split(separator: from, maxSplits: 1, omittingEmptySubsequences: false)
      return parts.joined(separator: to)
    }
    let answer = try put(box, body)
    #expect(answer.status == 400)
    #expect(try complaints(answer) == [complaint])
    #expect(try answer.json["Type"]?.string == "InvalidMessage")
    #expect(try answer.json["Instance"]?.string?.isEmpty == false)
    #expect(try box.customers().isEmpty)
  }

  @Test func severalWrongFieldsAreAllNamed() throws {
    let box = try TestSandbox()
    let answer = try put(box, Array("{}".utf8))
    #expect(
      try complaints(answer).map { String($0.prefix { $0 != " " }) }
        == ["FullName", "DateOfBirth", "Identities", "PrimaryResidence"])
  }

  @Test(arguments: [
    ("any", true, true, true), ("typed", false, true, true), ("legacy", true, false, true),
    ("strict", false, true, false),
  ])
  func profilesDifferInTypeAndEmptyIdentities(
    profile: String, takesUntyped: Bool, takesTyped: Bool, takesNoIdentity: Bool
  ) throws {
    let box = try TestSandbox(switches: ["noah-profile=\(profile)"])
    let untyped = Self.individual { text in
      text.split(separator: #""Type":"Individual","#).joined()
        .split(separator: #""Email":"ada@example.com","#).joined()
    }
    #expect((try put(box, untyped).status < 300) == takesUntyped)
    #expect((try put(box, Self.individual()).status < 300) == takesTyped)
    let base = takesUntyped ? untyped : Self.individual()
    let text = String(decoding: base, as: UTF8.self)
    let open = text.split(separator: "[{")[0]
    let rest = text.split(separator: "}]")[1]
    #expect((try put(box, Array("\(open)[]\(rest)".utf8)).status < 300) == takesNoIdentity)
  }

  @Test(arguments: ["null", "7", #""ada@example.com""#])
  func theOlderSchemaKnowsNoEmailWhateverItsValue(value: String) throws {
    let box = try TestSandbox(switches: ["noah-profile=legacy"])
    let body = Self.individual { text in
      text.split(separator: #""Type":"Individual","#).joined()
        .replacing(#""Email":"ada@example.com""#, with: "\"Email\":\(value)")
    }
    #expect(try complaints(try put(box, body)) == ["Email SchemaValidation"])
  }

  /// No customer goes by an empty id, and an upload's address needs no key even where it is wrong.
  @Test func oddPathsAreAnsweredAsTheirOperation() throws {
    let box = try TestSandbox()
    #expect(try box.connect().exchange("PUT", "/noah-uploads/").status == 403)
    #expect(try box.connect().exchange("GET", "/noah-uploads/")[header: "Allow"] == "PUT")
    #expect(try box.connect().exchange("GET", "/noah-uploads/a/b").status == 401)
  }

  @Test func strictProfileRefusesUnknownFields() throws {
    let body = Self.individual { #"{"Shoe":43,"# + $0.dropFirst() }
    #expect(try put(try TestSandbox(), body).status == 201)
    let strict = try put(try TestSandbox(switches: ["noah-profile=strict"]), body)
    #expect(try complaints(strict) == ["Shoe SchemaValidation"])
  }

  @Test(arguments: [
    [], [HTTPField("X-Api-Key", "")], [HTTPField("X-Api-Key", "sandbox_key")],
    [HTTPField("X-Api-Key", "apikey_prod_0123")], [HTTPField("X-Api-Key", "apikey_sandbox_other")],
  ])
  func wrongKeysAreUnauthorized(headers: [HTTPField]) throws {
    let box = try TestSandbox { $0.apiKey = "apikey_sandbox_0123" }
    let answer = try box.client.exchange(
      "PUT", "/v1/customers/c-1", headers, body: Self.individual())
    #expect(answer.status == 401)
    #expect(try answer.json["Type"]?.string == "Unauthorized")
  }

  @Test func customerIDsAreCountedDecodedAndAtMost36Long() throws {
    let box = try TestSandbox()
    let long = String(repeating: "%C3%A9", count: 36)
    #expect(try put(box, Self.individual(), id: long).status == 201)
    let answer = try put(box, Self.individual(), id: long + "x")
    #expect(try complaints(answer) == ["CustomerID SchemaValidation"])
  }

  @Test func scansGoUpThroughAPresignedAddressForEachSide() throws {
    let box = try TestSandbox()
    _ = try put(box, Self.individual())
    for (side, image) in [("Front", Request.png(1)), ("Back", Request.png(2))] {
      let path = "/v1/onboarding/c-1/prefill/documents/upload-url"
      let asked = try box.client.exchange(
        "GET", "\(path)?Type=DrivingLicense&CountryCode=US&Side=\(side)", Self.key)
      let url = try #require(try asked.json["PresignedURL"]?.string)
      #expect(try asked.json["ExpiresAt"]?.string?.hasSuffix("Z") == true)
      let upload = String(url.dropFirst(box.sandbox.address.count))
      let type = HTTPField("Content-Type", "image/png")
      #expect(try box.client.exchange("PUT", upload, [type], body: image).status == 200)
      let stored = try box.get("/admin/images/100001/\(side.lowercased())")
      #expect(stored.body == image)
    }
  }

  @Test func theOldestUploadAddressesGiveWay() throws {
    let box = try TestSandbox { $0.keptUploadAddresses = 3 }
    #expect(try put(box, Self.individual()).status == 201)
    let place = "/v1/onboarding/c-1/prefill/documents/upload-url?Type=Passport&CountryCode=US"
    let addresses = try (0..<9).map { _ in
      let told = try box.client.exchange("GET", place, Self.key).json["PresignedURL"]?.string
      return String(try #require(told).dropFirst(box.sandbox.address.utf8.count))
    }
    for (index, address) in addresses.enumerated() {
      let status = try box.client.exchange("PUT", address, body: Request.png()).status
      #expect(status == (index < 6 ? 403 : 200))
    }
  }

  @Test func presignedAddressesExpireAndCannotBeGuessed() throws {
    let box = try TestSandbox { $0.uploadLifetime = 0 }
    _ = try put(box, Self.individual())
    let asked = try box.client.exchange(
      "GET", "/v1/onboarding/c-1/prefill/documents/upload-url?Type=Passport&CountryCode=US",
      Self.key)
    let url = try #require(try asked.json["PresignedURL"]?.string)
    let upload = String(url.dropFirst(box.sandbox.address.count))
    let late = try box.client.exchange("PUT", upload, body: Request.png())
    #expect(late.status == 403 && late.text.contains("expired"))
    let guess = try box.client.exchange("PUT", "/noah-uploads/00", body: Request.png())
    #expect(guess.status == 403 && guess.text.contains("unknown"))
  }

  @Test(arguments: [
    "", "?Type=Passport", "?CountryCode=US", "?Type=Passport&CountryCode=US&Side=Top",
  ])
  func uploadAddressNeedsItsParameters(query: String) throws {
    let box = try TestSandbox()
    _ = try put(box, Self.individual())
    let path = "/v1/onboarding/c-1/prefill/documents/upload-url"
    #expect(try box.client.exchange("GET", path + query, Self.key).status == 400)
  }
}
