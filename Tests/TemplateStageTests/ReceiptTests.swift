import IntakeCore
import TemplateStage
import Testing

struct ReceiptTests {
  private func receipt(_ status: Int, _ body: String, _ options: [String: OptionValue] = [:]) throws
    -> Receipt
  {
    let answer = HTTPResponse(status: status, headers: [], body: Array(body.utf8))
    let made = try Row().submission(options)
    return made.target.receipt(for: answer, to: made)
  }

  @Test(arguments: [
    (200, "", OutcomeClass.accepted), (201, "{}", .accepted), (204, "", .accepted),
    (202, "OK", .accepted), (200, " <html>", .inDoubt), (400, "", .rejected),
    (422, "<html>", .rejected), (404, #"{"error":"x"}"#, .rejected), (404, "<html>", .fatal),
    (405, "", .fatal),
  ])
  func theCodeDecidesWhereNothingElseIsAsked(status: Int, body: String, outcome: OutcomeClass)
    throws
  {
    #expect(try receipt(status, body).outcome == outcome)
  }

  @Test(arguments: [
    (201, "{}", OutcomeClass.accepted), (204, "{}", .accepted), (200, "{}", .inDoubt),
  ])
  func aSuccessThatIsNotListedIsInDoubt(status: Int, body: String, outcome: OutcomeClass) throws {
    #expect(try receipt(status, body, ["success": .list(["201", "204"])]).outcome == outcome)
  }

  @Test(arguments: [
    (#"{"result":"Success","data":[{"ok":true}]}"#, OutcomeClass.accepted),
    (#"{"result":"SUCCESS","data":[{"ok":"true"}]}"#, .accepted),
    (#"{"result":"Error","data":[{"ok":true}]}"#, .rejected),
    (#"{"result":"Success","data":[{"ok":false}]}"#, .rejected),
    (#"{"result":"Success","data":[]}"#, .inDoubt), (#"{"result":{}}"#, .inDoubt),
    (#"{"result":"Success","result":"Error"}"#, .inDoubt), ("", .inDoubt), ("<p>", .inDoubt),
  ])
  func aSuccessHasToSayWhatThePlanAsksFor(body: String, outcome: OutcomeClass) throws {
    let rules = OptionValue.list(["result=Success", "data.0.ok=true"])
    #expect(try receipt(200, body, ["accepted-when": rules]).outcome == outcome)
  }

  @Test func statusAndTypeComeFromTheirPlaces() throws {
    let body = #"{"data":{"state":"IN_REVIEW","n":7},"kind":"created"}"#
    let found = try receipt(
      200, body, ["status-path": .text("data.state"), "type-path": .text("kind")])
    #expect(found.status == "IN_REVIEW")
    #expect(found.type == "created")
    #expect(try receipt(200, body, ["status-path": .text("data.n")]).status == "7")
    #expect(try receipt(200, body, ["status-path": .text("data.none")]).status == nil)
  }

  @Test(arguments: [
    (#"{"error":"Ada Lind is known"}"#, "Ada Lind is known"), (#"{"error":17}"#, "17"), ("{}", nil),
    ("<p>", nil),
  ])
  func theWordsOfTheTargetAreItsMessageAndNothingElse(body: String, message: String?) throws {
    let options = ["error-path": OptionValue.text("error")]
    let response = HTTPResponse(status: 422, headers: [], body: Array(body.utf8))
    #expect(try Row().submission(options).target.message(in: response) == message)
    #expect(try receipt(422, body, options).detail == "the target answered 422")
    #expect(try Row().submission([:]).target.message(in: response) == nil)
  }

  @Test func everyRefusalHasACodeAndTheStatus() throws {
    for status in [400, 404, 409, 422] {
      let found = try receipt(status, "{}")
      #expect(found.http == status)
      #expect(found.code == .refusedByTarget)
    }
  }
}
