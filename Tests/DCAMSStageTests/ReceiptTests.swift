import DCAMSStage
import IntakeCore
import Testing

/// What answers of DCAMS storage mean: read tolerantly, for the vendor's own pages disagree on them.
struct ReceiptTests {
  private func receipt(_ status: Int, _ body: String) -> Receipt {
    let submission = DCAMS.updateStatus(email: "ann@example.com", status: "PASS")
    let response = HTTPResponse(status: status, headers: [], body: Array(body.utf8))
    return submission.target.receipt(for: response, to: submission)
  }

  @Test(arguments: [
    (#"{"result":"Success","status":"PASS"}"#, "PASS"),
    (#"{"result":"Success","target":{"status":"FAIL"}}"#, "FAIL"),
    (#"{"result":"Success","status":"PASS","target":{"status":"FAIL"}}"#, "PASS"),
    (#"{"result":"SUCCESS","status":"pending"}"#, "PENDING"),
    (#"{"result":"success","status":"REVIEW","more":[1,{"a":null}],"type":7}"#, "unknown"),
    (#"{"result":"Success","status":"QUIXLEY"}"#, "unknown"),
    (#"{"result":"Success","status":7}"#, nil), (#"{"result":"Success"}"#, nil),
    (#"{"result":"Success","reference":48213,"status":"PASS"}"#, "PASS"),
  ])
  func aSuccessIsReadWhereverTheStatusStands(body: String, status: String?) {
    let receipt = receipt(200, body)
    #expect(receipt.outcome == .accepted)
    #expect(receipt.status == status)
  }

  @Test(arguments: [
    ("createCustomer", "createCustomer"), ("UPDATECUSTOMER", "updateCustomer"),
    ("Quixley", "unknown"),
  ])
  func aDocumentedTypeIsKept(type: String, shown: String) {
    let receipt = receipt(
      200, #"{"result":"Success","type":"\#(type)","customer_link":"https://r.example/?id=1"}"#)
    #expect(receipt.type == shown)
  }

  @Test(arguments: [
    (400, "The email address is invalid", FailureCode.refusedByTarget, OutcomeClass.rejected),
    (400, "Missing a required input", .refusedByTarget, .rejected),
    (404, "The email address was not found", .customerNotFound, .rejected),
    (200, "The email address was not found", .customerNotFound, .rejected),
    (200, "MISSING A REQUIRED INPUT", .refusedByTarget, .rejected),
    (400, "Either your username or password is incorrect", .credentialsRefused, .fatal),
    (200, "Either your username or password is incorrect", .credentialsRefused, .fatal),
    (422, "ann@example.com is on a list", .refusedByTarget, .rejected),
    (404, "ann@example.com was archived", .refusedByTarget, .rejected),
  ])
  func anErrorCountsByItsMessageWhateverTheCode(
    status: Int, message: String, code: FailureCode, outcome: OutcomeClass
  ) {
    let receipt = receipt(status, #"{"result":"Error","message":"\#(message)"}"#)
    #expect(receipt.code == code)
    #expect(receipt.outcome == outcome)
    #expect(receipt.detail?.contains("ann@example.com") == false)
  }

  @Test func theWordsOfTheTargetAreItsMessageAndNothingElse() {
    let body = #"{"result":"Error","message":"ann@example.com is on a list"}"#
    let response = HTTPResponse(status: 422, headers: [], body: Array(body.utf8))
    let target = DCAMS.getStatus(email: "ann@example.com").target
    #expect(target.message(in: response) == "ann@example.com is on a list")
    #expect(receipt(422, body).detail == "the target answered 422")
  }

  @Test(arguments: [
    (200, "<html>", FailureCode.unrecognizedAnswer, OutcomeClass.inDoubt),
    (200, "", .unrecognizedAnswer, .inDoubt), (200, "[]", .unrecognizedAnswer, .inDoubt),
    (200, #"{"result":"Maybe"}"#, .unrecognizedAnswer, .inDoubt),
    (200, #"{"result":"Success","result":"Error"}"#, .unrecognizedAnswer, .inDoubt),
    (404, "<html>", .wrongEndpoint, .fatal), (405, "", .wrongEndpoint, .fatal),
    (404, #"{"error":"no route"}"#, .wrongEndpoint, .fatal),
    (400, "no", .refusedByTarget, .rejected),
    (422, #"{"errors":[]}"#, .refusedByTarget, .rejected),
  ])
  func anAnswerInAnotherLanguageIsNoSuccess(
    status: Int, body: String, code: FailureCode, outcome: OutcomeClass
  ) {
    let receipt = receipt(status, body)
    #expect(receipt.code == code)
    #expect(receipt.outcome == outcome)
  }

  @Test(arguments: [
    ("createOrUpdateCustomer", ["email", "front"]), ("updateStatus", ["email", "status"]),
  ])
  func whatTheVendorLooksUpByIsRequiredHere(operation: String, columns: [String]) throws {
    let record = IntakeRecord(
      row: RowReference(line: 2), identity: Personal([]), fields: CustomerFields(), images: [])
    let problems = try DCAMS(given: ["operation": .text(operation)]).problems(in: record)
    #expect(problems.map(\.column?.description) == columns)
    #expect(problems.allSatisfy { $0.code == .missingValue })
  }
}
