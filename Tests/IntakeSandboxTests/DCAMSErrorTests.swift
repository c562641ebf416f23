import IntakeCore
import IntakeSandbox
import Testing

/// Each case has everything wrong that comes later, so that the order of the checks shows.
@Suite(.timeLimit(.minutes(20)))
struct DCAMSErrorTests {
  static let cases: [(body: String, status: Int, message: String)] = [
    ("{", 400, "Missing a required input"),
    ("", 400, "Missing a required input"),
    ("[]", 400, "Missing a required input"),
    (#"{"user":"sandbox","user":"sandbox"}"#, 400, "Missing a required input"),
    ("{}", 401, "Either your username or password is incorrect"),
    (
      #"{"user":"sandbox","pass":"wrong","service":"none"}"#, 401,
      "Either your username or password is incorrect"
    ),
    (
      #"{"user":"nobody","pass":"sandbox","service":"getStatus","target":{}}"#, 401,
      "Either your username or password is incorrect"
    ),
    (#"{"user":"sandbox","pass":"sandbox"}"#, 400, "Missing a required input"),
    (
      #"{"user":"sandbox","pass":"sandbox","service":"none","target":{"email":"a@example.com"}}"#,
      400, "Missing a required input"
    ),
    (
      #"{"user":"sandbox","pass":"sandbox","service":"getStatus","target":{"email":""}}"#, 400,
      "Missing a required input"
    ),
    (
      #"{"user":"sandbox","pass":"sandbox","service":"createOrUpdateCustomer","target":{"email":"no mail"}}"#,
      400, "Missing a required input"
    ),
    (
      #"{"user":"sandbox","pass":"sandbox","service":"createOrUpdateCustomer","target":{"email":"no mail","documents":{"front":"AAAA"}}}"#,
      400, "The email address is invalid"
    ),
    (
      #"{"user":"sandbox","pass":"sandbox","service":"updateStatus","target":{"email":"no mail","status":"pass"}}"#,
      400, "Missing a required input"
    ),
    (
      #"{"user":"sandbox","pass":"sandbox","service":"updateStatus","target":{"email":"no mail","status":"PASS"}}"#,
      400, "The email address is invalid"
    ),
    (
      #"{"user":"sandbox","pass":"sandbox","service":"getStatus","target":{"email":"no@example.com"}}"#,
      404, "The email address was not found"
    ),
    (
      #"{"user":"sandbox","pass":"sandbox","service":"getDocumentImages","target":{"email":"no@example.com"}}"#,
      404, "The email address was not found"
    ),
    (
      #"{"user":"sandbox","pass":"sandbox","service":"updateStatus","target":{"email":"no@example.com","status":"FAIL"}}"#,
      404, "The email address was not found"
    ),
    (
      #"{"user":"sandbox","pass":"sandbox","service":"createOrUpdateCustomer","target":{"email":"a@example.com","fn":[],"documents":{"front":"AAAA"}}}"#,
      400, "Missing a required input"
    ),
  ]

  @Test(arguments: cases)
  func firstFailingCheckAnswersWordByWord(body: String, status: Int, message: String) throws {
    let box = try TestSandbox()
    let answer = try box.client.exchange("POST", "/v3/stable/api/storage", body: Array(body.utf8))
    #expect(answer.status == status)
    #expect(answer.text == #"{"result":"Error","message":"\#(message)"}"#)
    #expect(try box.requests().last?["accepted"]?.bool == false)
  }

  @Test(arguments: [
    #""fn":true"#, #""addr":["a"]"#, #""zip":{"a":1}"#, #""documents":{"front":"QUJD","back":7}"#,
    #""documents":"QUJD""#,
  ])
  func valuesOfTheWrongKindAreMissingInputs(field: String) throws {
    let documents = field.contains("documents") ? "" : #","documents":{"front":"QUJD"}"#
    let body =
      #"{"user":"sandbox","pass":"sandbox","service":"createOrUpdateCustomer","#
      + #""target":{"email":"a@b.example",\#(field)\#(documents)}}"#
    let box = try TestSandbox()
    let answer = try box.client.exchange(
      "POST", "/v3/stable/api/storage", body: Array(body.utf8))
    #expect(answer.status == 400)
    #expect(try answer.json["message"]?.string == "Missing a required input")
    #expect(try box.customers().isEmpty)
  }

  @Test(arguments: [
    "plain", "@example.com", "a@", "a@b", "a@@example.com", "a b@example.com", "a@exa mple.com",
    ".a@example.com", "a..b@example.com", "a@example..com", "a@-example.com", "a@example.com ",
    "<a@example.com>", "a@example.com\n", "a,b@example.com",
    String(repeating: "x", count: 65) + "@example.com",
  ])
  func malformedAddressesAreInvalid(email: String) throws {
    let box = try TestSandbox()
    let answer = try box.post(Request.create(email))
    #expect(answer.status == 400)
    #expect(answer.text == #"{"result":"Error","message":"The email address is invalid"}"#)
  }

  @Test(arguments: ["a@example.com", "first.last+tag@sub.example.co", "o'neil@example.com"])
  func ordinaryAddressesAreValid(email: String) throws {
    let box = try TestSandbox()
    #expect(try box.post(Request.create(email)).status == 200)
  }
}
