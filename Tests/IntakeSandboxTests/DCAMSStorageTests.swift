import IntakeCore
import IntakeSandbox
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DCAMSStorageTests {
  static let person = [
    ("fn", "Ada"), ("ln", "Quill"), ("addr", "1 Elm St"), ("city", "Salem"), ("state", "OR"),
    ("zip", "97301"), ("dob", "19800229"), ("phone", "5035550100"),
  ]

  @Test func createAnswersEveryDocumentedFieldInTheDocumentedOrder() throws {
    let box = try TestSandbox()
    let answer = try box.post(
      Request.create("Ada@example.com", Self.person, reference: .string("77")))
    #expect(answer.status == 200)
    let value = try answer.json
    #expect(
      value.fields?.map(\.name)
        == ["result", "reference", "customer_link", "status", "type", "target"])
    #expect(value["result"]?.string == "Success")
    #expect(value["reference"]?.string == "77")
    #expect(value["status"]?.string == "PENDING")
    #expect(value["type"]?.string == "createCustomer")
    #expect(
      value["target"]?.fields?.map(\.name)
        == ["fn", "ln", "addr", "city", "state", "zip", "dob", "email", "phone"])
    #expect(value["target"]?["email"]?.string == "Ada@example.com")
  }

  @Test func customerLinkOpensAPageThatShowsWhatArrived() throws {
    let box = try TestSandbox()
    let answer = try box.post(Request.create("ada@example.com", Self.person, back: Request.png(7)))
    let link = try #require(try answer.json["customer_link"]?.string)
    #expect(link.hasPrefix(box.sandbox.address + "/admin/customers.php?a=edit&id="))
    let page = try box.get(String(link.dropFirst(box.sandbox.address.count)))
    #expect(page.status == 200)
    for part in ["Ada", "1 Elm St", "19800229", "3 × 2 px", "30 bytes", "PENDING", "created with"] {
      #expect(page.text.contains(part), "the page lacks \(part)")
    }
  }
}
