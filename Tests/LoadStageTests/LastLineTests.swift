import IntakeCore
import Testing

@testable import LoadStage

/// Files that end in the middle of a line, as editors, `printf` and full disks leave them.
struct LastLineTests {
  private static let object =
    #"{"email":"NAME@example.com","fn":"Ada","ln":"Byron","front":"a.jpg"}"#

  private static func objects(_ names: [String]) -> [String] {
    names.map { object.split(separator: "NAME").joined(separator: $0) }
  }

  @Test(arguments: ["\n", "\r\n", "\r"])
  func `the last line of JSON Lines needs no end`(lineEnd: String) async throws {
    let text = Self.objects(["a", "b", "c"]).joined(separator: lineEnd)
    let loaded = try await Workshop().load(text: Array(text.utf8), as: "batch.jsonl")
    #expect(loaded.rows.map(\.record.row.line) == [1, 2, 3])
  }

  @Test func `a manifest that is cut anywhere is read to its end`() async throws {
    let workshop = Workshop()
    let text = Array(Self.objects(["a", "b"]).joined(separator: "\n").utf8)
    for length in (text.count / 2 + 2)...text.count {
      let loaded = try await workshop.load(text: text.prefix(length), as: "batch.jsonl")
      #expect(loaded.rows.count == 2, "cut after \(length) bytes")
    }
  }

  @Test func `a CSV that ends inside quotes loses only its last row`() async throws {
    let row = "a@example.com,Ada,Byron,\"12 Long Street, Some Town, Some Country\",a.jpg\n"
    let text = "email,fn,ln,addr,front\n" + row + "b@example.com,Bob,Cox,\"13 Long"
    let loaded = try await Workshop.load(text)
    #expect(loaded.rows.map(\.record.row.line) == [2, 3])
  }
}
