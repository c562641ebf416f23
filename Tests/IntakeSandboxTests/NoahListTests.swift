import IntakeCore
import IntakeSandbox
import Testing

@Suite(.timeLimit(.minutes(20)))
struct NoahListTests {
  private func list(_ box: TestSandbox, _ query: String) throws -> HTTPResponse {
    try box.client.exchange("GET", "/v1/customers" + query, NoahTests.key)
  }

  private func fill(_ box: TestSandbox, _ count: Int) throws -> [String] {
    let ids = (1...count).map { "c-\($0)" }
    for id in ids {
      _ = try box.client.exchange(
        "PUT", "/v1/customers/\(id)", NoahTests.key, body: NoahTests.individual())
    }
    return ids
  }

  @Test(arguments: ["ASC", "DESC"])
  func pagesHoldEveryCustomerOnceInOrder(direction: String) throws {
    let box = try TestSandbox()
    let ids = try fill(box, 7)
    var seen: [String] = []
    var token: String? = ""
    while let last = token, seen.count < 20 {
      let page = try list(
        box,
        "?PageSize=3&SortDirection=\(direction)" + (last.isEmpty ? "" : "&PageToken=\(last)")
      ).json
      seen += try #require(page["Items"]?.elements).compactMap { $0["CustomerID"]?.string }
      token = page["PageToken"]?.string
    }
    #expect(seen == (direction == "ASC" ? ids : ids.reversed()))
  }

  @Test func aPageThatHoldsAllNamesNoNextOne() throws {
    let box = try TestSandbox()
    _ = try fill(box, 3)
    #expect(try list(box, "?PageSize=3").json.fields?.map(\.name) == ["Items"])
    #expect(try list(box, "").json["Items"]?.elements?.count == 3)
  }

  @Test(arguments: ["PageSize=0", "PageSize=101", "PageSize=x", "SortDirection=up", "PageToken=x"])
  func parametersOutOfRangeAreNamed(query: String) throws {
    let box = try TestSandbox()
    let answer = try list(box, "?" + query)
    #expect(answer.status == 400)
    let field = try answer.json["RequestExtension"]?["Body"]?.elements?.first?["Field"]?.string
    #expect(field == query.split(separator: "=").first.map(String.init))
  }

  @Test func fieldsOfTheRequestDoNotReplaceTheSandboxsOwn() throws {
    let box = try TestSandbox()
    let body = NoahTests.individual {
      $0.replacing("\"Type\"", with: "\"Created\":\"x\",\"Verification\":1,\"Type\"")
    }
    _ = try box.client.exchange("PUT", "/v1/customers/c-1", NoahTests.key, body: body)
    let answer = try box.client.exchange("GET", "/v1/customers/c-1", NoahTests.key)
    // The parser refuses names that stand twice.
    #expect(try answer.json["Verification"]?["Status"]?.string == "Approved")
  }

  @Test func anUploadAddressNeedsNoKeyToSayItsMethod() throws {
    let box = try TestSandbox()
    let answer = try box.client.exchange("GET", "/noah-uploads/0")
    #expect(answer.status == 405)
    #expect(answer[header: "Allow"] == "PUT")
  }
}
