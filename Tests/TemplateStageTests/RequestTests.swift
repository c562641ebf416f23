import IntakeCore
import TemplateStage
import Testing

struct RequestTests {
  @Test func cellsArePercentEncodedInThePath() throws {
    let row = Row.with(["email": "a+b/ö?#%&@x.org"])
    let made = try row.submission(["path": .text("/c/{email}?ref={reference}&d={dob:compact}")])
    #expect(made.path == "/c/a%2Bb%2F%C3%B6%3F%23%25%26%40x.org?ref=R-1&d=19900521")
    #expect(
      try made.request([:], endpoint: "https://api.example/").url
        == "https://api.example" + made.path)
  }

  @Test(arguments: [
    (["id": ""], "column \"id\" is empty, and the path needs it"),
    (["id": ".."], "a part of the path would be . or .."),
    (["ln": ""], "column \"ln\" is empty, and the plan requires it"),
    (["fn": "Zoë"], "column \"fn\" holds a character beyond ASCII"),
    (["fn": "a\r\nX: b"], "column \"fn\" holds a character beyond ASCII"),
    (["dob": "19900231"], "column \"dob\" holds no real day"),
  ])
  func aRowThatCannotBeSentIsNamedBefore(cells: [String: String], expected: String) throws {
    let stage = try Template.with([
      "path": .text("/c/{id}"), "headers": .table(["X-Name": "{fn}"]), "required": .list(["ln"]),
      "body": .text(#"{"d":"{dob:dashed}"}"#),
    ])
    #expect(stage.problems(in: Row().record).isEmpty)
    let problems = stage.problems(in: Row.with(cells).record)
    #expect(problems.map(\.detail).contains { $0.contains(expected) }, "\(problems)")
    for problem in problems { #expect(!problem.detail.contains("Zoë")) }
  }

  @Test func requiredSidesAreColumnsToo() throws {
    let stage = try Template.with(["required": .list(["front", "back"])])
    #expect(stage.problems(in: Row.with(sides: [.front]).record).map(\.column?.column) == [.back])
  }

  @Test func headersHoldCellsAndLeaveEmptyOnesOut() throws {
    let made = try Row.with(["phone": ""]).submission([
      "headers": .table([
        "X-Row": "row {id}", "X-Phone": "{phone}", "content-type": "application/vnd.x+json",
      ])
    ])
    #expect(
      try made.request([:]).headers == [
        HTTPField("X-Row", "row T-1"), HTTPField("content-type", "application/vnd.x+json"),
      ])
  }

  @Test(arguments: [
    ("bearer", ["token": "t0"], HTTPField("Authorization", "Bearer t0")),
    (
      "basic", ["user": "Aladdin", "pass": "open sesame"],
      HTTPField("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    ),
    ("header:X-Key", ["apiKey": "k"], HTTPField("X-Key", "k")),
  ])
  func theCredentialsAreShownInTheFieldOfTheirScheme(
    scheme: String, secrets: [String: String], field: HTTPField
  ) throws {
    let made = try Row().submission(["auth": .text(scheme)])
    #expect(try made.request(secrets).headers.last == field)
    #expect(!made.headers.contains { $0.name == field.name })
  }

  @Test func secretsAreInTheRequestAndNeverInTheSubmission() throws {
    let made = try Row().submission([
      "auth": .text("bearer"), "headers": .table(["X-Tenant": "t-{secret:tenant}"]),
      "body": .text(#"{"pass":"x{secret:pass}"}"#),
    ])
    let request = try made.request(["token": "s1", "tenant": "s2", "pass": "s3\"\\"])
    #expect(String(decoding: request.body.flatMap(\.self), as: UTF8.self) == #"{"pass":"xs3\"\\"}"#)
    #expect(request.headers.contains(HTTPField("X-Tenant", "t-s2")))
    var text = ""
    dump(made, to: &text)
    for secret in ["s1", "s2", "s3"] { #expect(!text.contains(secret)) }
  }

  @Test(arguments: [
    ([:], "no pass and no tenant and no token"), (["token": "a", "tenant": "b"], "no pass"),
    (["token": "a\nb", "tenant": "b", "pass": "c"], "the token of the credentials holds a line"),
    (["token": "a", "tenant": "é", "pass": "c"], "the tenant of the credentials holds a line"),
  ])
  func credentialsAreCheckedBeforeAnythingIsSent(secrets: [String: String], expected: String) throws
  {
    let target = try Template.with([
      "auth": .text("bearer"), "headers": .table(["X-Tenant": "{secret:tenant}"]),
      "body": .text(#"{"pass":"{secret:pass}"}"#),
    ]).target
    let failure = #expect(throws: StageFailure.self) {
      try target.check(
        Credentials(secrets.mapValues { Secret($0) }), for: "https://api.example")
    }
    #expect(failure?.detail.contains(expected) == true, "\(String(describing: failure))")
    #expect(failure?.outcome == .fatal)
  }

  @Test(arguments: [
    ([:], RepeatSafety.never), (["method": OptionValue.text("PUT")], .idempotent),
    (["method": .text("PUT"), "repeat-safety": .text("never")], .never),
    (["repeat-safety": .text("converges")], .converges),
  ])
  func aRepeatIsAsSafeAsMethodAndPlanSay(options: [String: OptionValue], safety: RepeatSafety)
    throws
  {
    #expect(try Row().submission(options).repeatSafety == safety)
  }

  @Test(
    arguments: [
      (nil, [:], "id:T-1"), (nil, ["id": ""], "email:ada.lind@example.com"),
      ("{email}", ["email": "ADA.Lind@example.com"], "email:ada.lind@example.com"),
      ("{ln}/{zip}", ["ln": "Lind", "zip": "10001"], "id:Lind/10001"),
      // A row that lacks what the plan names goes by what the loader has for it.
      ("{reference}", ["reference": ""], ""),
    ] as [(String?, [String: String], String)])
  func aCustomerIsKnownByWhatThePlanSays(
    identity: String?, cells: [String: String], expected: String
  ) throws {
    let options = identity.map { ["identity": OptionValue.text($0)] } ?? [:]
    #expect(try Row.with(cells).submission(options).customer == Personal(expected))
  }
}
