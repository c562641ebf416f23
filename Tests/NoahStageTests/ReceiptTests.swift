import IntakeCore
import NoahStage
import Testing

struct ReceiptTests {
  private func receipt(_ status: Int, _ body: String, to submission: Submission? = nil) throws
    -> Receipt
  {
    let submission = try submission ?? Row().submission()
    let response = HTTPResponse(status: status, headers: [], body: Array(body.utf8))
    return submission.target.receipt(for: response, to: submission)
  }

  @Test(arguments: [
    (201, "", "created"), (204, "", "updated"), (200, "", "updated"), (200, "{}", "updated"),
    (201, #"{"CustomerID":"N-2001"}"#, "created"), (202, "", nil),
  ])
  func anySuccessIsAccepted(status: Int, body: String, type: String?) throws {
    let receipt = try receipt(status, body)
    #expect(receipt.outcome == .accepted)
    #expect(receipt.type == type)
  }

  @Test(arguments: [
    (200, "<html>", OutcomeClass.inDoubt, "unrecognized_answer"),
    (200, #"{"Type":"Unexpected"}"#, .inDoubt, "unrecognized_answer"),
    (201, "[]", .inDoubt, "unrecognized_answer"),
    (400, #"{"Type":"InvalidMessage"}"#, .rejected, "refused_by_target"),
    (
      400, #"{"Type":7,"Detail":[],"RequestExtension":{"Body":{}}}"#, .rejected, "refused_by_target"
    ),
    (400, #"{"RequestExtension":{"Body":[{},7,{"Field":3}]}}"#, .rejected, "refused_by_target"),
    (400, "no JSON", .rejected, "refused_by_target"),
    (402, #"{"Type":"InsufficientBalance"}"#, .rejected, "refused_by_target"),
    (409, "{}", .rejected, "refused_by_target"), (422, "", .rejected, "refused_by_target"),
    (404, #"{"Type":"ResourceNotFound"}"#, .rejected, "refused_by_target"),
    (404, "<html>not here</html>", .fatal, "wrong_endpoint"),
    (404, "{}", .fatal, "wrong_endpoint"), (405, "", .fatal, "wrong_endpoint"),
    (410, #"{"message":"gone"}"#, .fatal, "wrong_endpoint"),
  ])
  func answersHaveTheirClassAndCode(
    status: Int, body: String, outcome: OutcomeClass, code: String
  ) throws {
    let receipt = try receipt(status, body)
    #expect(receipt.outcome == outcome)
    #expect(receipt.code?.rawValue == code)
    #expect(receipt.detail?.isEmpty == false)
  }

  @Test(arguments: [404, 400])
  func aReadOfAMissingCustomerSaysSo(status: Int) throws {
    let get = try Noah.getCustomer(id: "N-1")
    let receipt = try receipt(status, #"{"Type":"ResourceNotFound"}"#, to: get)
    #expect(receipt.code == .customerNotFound)
  }

  @Test(arguments: [
    ("FullName.FirstName", "fn"), ("FullName.MiddleName", "mn"), ("/FullName/LastName", "ln"),
    ("body.PrimaryResidence.State", "state"), ("PrimaryResidence.PostCode", "zip"),
    ("$.PrimaryResidence.Street2", "addr2"), ("DateOfBirth", "dob"), ("PhoneNumber", "phone"),
    ("Email", "email"), ("CustomerID", "id"), ("Identities[0].IDNumber", "id_number"),
    ("Identities[1].IDType", "id_type_2"), ("Identities.1.IssuingCountry", "id_country_2"),
    ("Identities", "id_type"),
  ])
  func aFieldOfTheVendorIsTracedToItsColumn(field: String, column: String) throws {
    let receipt = try receipt(400, Self.error(field, "SchemaValidation", "is wrong"))
    #expect(receipt.hint == "correct column \"\(column)\" and run again")
    #expect(
      receipt.detail
        == "the target answered 400 (InvalidMessage) because of column \"\(column)\"")
    #expect(receipt.occurrence?.exposed == "occ-7")
  }

  @Test func anIdentityAfterAGapIsTracedToItsOwnNumber() throws {
    let row = Row.with([
      "id_type_2": "", "id_number_2": "", "id_country_2": "", "id_type_4": "Passport",
      "id_number_4": "1", "id_country_4": "DE",
    ])
    let receipt = try receipt(
      400, Self.error("Identities[1].IDNumber", "SchemaValidation", ""), to: row.submission())
    #expect(receipt.hint == "correct column \"id_number_4\" and run again")
  }

  /// What a target writes may repeat what was sent: it is in no text that is shown as it is.
  @Test func theWordsOfTheTargetAreItsMessageAndNothingElse() throws {
    let submission = try Row().submission()
    let body = Self.error("FullName.FirstName", "SchemaValidation", "Lena is too short")
    let response = HTTPResponse(status: 400, headers: [], body: Array(body.utf8))
    #expect(
      submission.target.message(in: response)
        == "see below; FullName.FirstName SchemaValidation: Lena is too short")
    let receipt = submission.target.receipt(for: response, to: submission)
    #expect(receipt.detail?.contains("Lena") == false && receipt.hint?.contains("Lena") == false)
  }

  @Test(arguments: [
    (#"{"message":"Forbidden"}"#, "Forbidden"), (#"{"Type":"InvalidMessage"}"#, nil), ("<p>", nil),
    (#"{"RequestExtension":{"Body":[{"Description":"too long"},{}]}}"#, "too long"),
  ])
  func aMessageIsFoundWhereverItStands(body: String, message: String?) throws {
    let response = HTTPResponse(status: 400, headers: [], body: Array(body.utf8))
    #expect(try Row().submission().target.message(in: response) == message)
  }

  @Test(arguments: ["lena@example.com", "two words", String(repeating: "x", count: 81)])
  func anOccurrenceThatIsNoReferenceIsNotShown(instance: String) throws {
    let receipt = try receipt(400, #"{"Type":"InvalidMessage","Instance":"\#(instance)"}"#)
    #expect(receipt.detail == "the target answered 400 (InvalidMessage)")
    #expect(receipt.occurrence == nil)
  }

  @Test(arguments: [
    (#"{"message":"Forbidden by a rule"}"#, "the target answered 409"),
    ("{}", "the target answered 409 without a readable message"),
  ])
  func onlyAnAnswerWithoutAMessageHasNone(body: String, detail: String) throws {
    #expect(try receipt(409, body).detail == detail)
  }

  private static func error(_ field: String, _ reason: String, _ description: String) -> String {
    #"{"Type":"InvalidMessage","Instance":"occ-7","Detail":"see below","RequestExtension":{"Body":"#
      + #"[{"Field":"\#(field)","Reason":"\#(reason)","Description":"\#(description)"}]}}"#
  }
}
