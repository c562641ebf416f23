import IntakeCore
import NoahStage
import Testing

struct BodyTests {
  @Test func theTypedBodyHoldsEveryFieldInTheVendorsForm() throws {
    let expected =
      #"{"Type":"Individual","Email":"lena.whitcombe@example.com","PhoneNumber":"+19165550134","#
      + #""FullName":{"FirstName":"Lena","LastName":"Whitcombe","MiddleName":"Ruth"},"#
      + #""DateOfBirth":"1990-05-21","Identities":[{"IDType":"DrivingLicense","#
      + #""IDNumber":"SP7734120","IssuingCountry":"US","IssuedDate":"2021-05-03","#
      + #""ExpiryDate":"2031-05-02"},{"IDType":"TaxID","IDNumber":"000-00-0134","#
      + #""IssuingCountry":"US"}],"PrimaryResidence":{"Street":"903 Juniper Avenue","#
      + #""Street2":"Unit 12","City":"Sacramento","PostCode":"95814","State":"CA","Country":"US"}}"#
    #expect(try Row().submission().text == expected)
  }

  @Test func theLegacyBodyLacksTypeEmailAndPhone() throws {
    let text = try Row().submission(["schema": .text("legacy")]).text
    #expect(text.hasPrefix(#"{"FullName":{"#))
    #expect(!text.contains("Email") && !text.contains("PhoneNumber"))
  }

  @Test func theRequestIsAPutToTheCustomersPath() throws {
    let submission = try Row().submission()
    #expect(submission.method == "PUT")
    #expect(submission.path == "/customers/N-2001")
    #expect(submission.repeatSafety == .idempotent)
    #expect(submission.headers == [HTTPField("Content-Type", "application/json")])
  }

  @Test func theReferenceStandsInForAMissingId() throws {
    #expect(
      try Row.with(["id": "", "reference": "R-7"]).submission().path == "/customers/R-7")
  }

  @Test(arguments: [
    ("US", "California", "CA"), ("US", "us-ca", "CA"), ("us", " new   york", "NY"),
    ("CA", "Ontario", "ON"), ("CA", "Québec", "QC"), ("CA", "Que\u{301}bec", "QC"),
    ("CA", "newfoundland and labrador", "NL"), ("US", "District of Columbia", "DC"),
    ("DE", "Berlin", "Berlin"),
  ])
  func statesBecomeCodesWhereTheVendorWantsThem(country: String, state: String, sent: String) throws
  {
    let text = try Row.with(["country": country, "state": state]).submission().text
    #expect(text.contains(#""State":"\#(sent)","Country":"\#(country.uppercased())""#))
  }

  @Test func separatorsInAPhoneNumberAreLeftOut() throws {
    let text = try Row.with(["phone": "+1 (916) 555-01.34"]).submission().text
    #expect(text.contains(#""PhoneNumber":"+19165550134""#))
  }

  @Test func aGapInTheNumberedIdentitiesIsClosed() throws {
    let text = try Row.with([
      "id_type_2": "", "id_number_2": "", "id_country_2": "", "id_type_5": "Passport",
      "id_number_5": "SP204466", "id_country_5": "ca",
    ]).submission().text
    #expect(
      text.contains(
        #"},{"IDType":"Passport","IDNumber":"SP204466","IssuingCountry":"CA"}],"PrimaryResidence"#))
  }
}
