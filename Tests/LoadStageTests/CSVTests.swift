import IntakeCore
import Testing

@testable import LoadStage

struct CSVTests {
  @Test(arguments: [
    "id,fn\n1,Ada\n2,Bo\n", "id,fn\r\n1,Ada\r\n2,Bo\r\n", "id,fn\r1,Ada\r2,Bo\r",
    "id,fn\r\n1,Ada\n2,Bo", "\u{FEFF}id,fn\n1,Ada\r2,Bo\r\n", "id,fn\n\n1,Ada\n \n,\n2,Bo\n",
    "\n\nid,fn\n1,Ada\n2,Bo", "\"id\",\"fn\"\n\"1\",\"Ada\"\n 2 ,\t \"Bo\" \n",
  ])
  func lineEndsAndBlanksMakeNoDifference(text: String) async throws {
    let loaded = try await Workshop.load(text)
    #expect(loaded.cells(.id) == ["1", "2"])
    #expect(loaded.cells(.fn) == ["Ada", "Bo"])
    #expect(loaded.failures.isEmpty)
  }
}
