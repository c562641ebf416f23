import IntakeCore
import TestSupport
import Testing

@testable import IntakeTransport

/// The header of an answer, line by line.
struct ResponseHeadTests {
  static func read(_ lines: [String]) -> ResponseHead {
    var head = ResponseHead()
    for line in lines {
      let goesOn = Array(line.utf8).withUnsafeBytes { head.take($0) }
      if !goesOn { break }
    }
    return head
  }

  @Test func aFieldKeepsItsNameAndLosesTheSpaceAroundItsValue() {
    let head = ResponseHeadTests.read([
      "HTTP/1.1 200 OK\r\n", "X-A:  a b \t\r\n", "X-B:\r\n", "X-C: :\r\n", "\r\n",
    ])
    #expect(head.fields.map(\.name) == ["X-A", "X-B", "X-C"])
    #expect(head.fields.map(\.value) == ["a b", "", ":"])
    #expect(head.isComplete)
  }

  @Test func onlyTheFinalHeaderIsKept() {
    let head = ResponseHeadTests.read([
      "HTTP/1.1 100 Continue\r\n", "X-A: a\r\n", "\r\n", "HTTP/1.1 200\r\n", "X-B: b\n", "\n",
      "X-Trailer: t\r\n",
    ])
    #expect(head.status == 200)
    #expect(head.wasContinued)
    #expect(head.fields.map(\.name) == ["X-B"])
  }

  @Test(arguments: [16, 17])
  func soManyInterimAnswersAreBorne(_ count: Int) {
    let interims = (0..<count).flatMap { _ in ["HTTP/1.1 102 Wait\r\n", "\r\n"] }
    let head = ResponseHeadTests.read(interims + ["HTTP/1.1 200 OK\r\n", "\r\n"])
    #expect(head.isComplete == (count == 16))
    #expect(head.problem == (count == 16 ? nil : .malformed))
  }

  @Test(arguments: [
    "X-A: a", "X-A: a\r\nX-B: b\r\n", ": a\r\n", "X A: a\r\n", "X-A\r\n", " X-A: a\r\n",
    "X-A: a\u{0}\r\n", "X-A: a\rb\r\n", "\tb\r\n", "X-Ä: a\r\n",
  ])
  func aLineThatIsNoFieldEndsTheAnswer(_ line: String) {
    let head = ResponseHeadTests.read(["HTTP/1.1 200 OK\r\n", line, "\r\n"])
    #expect(head.problem == .malformed)
    #expect(!head.isComplete)
  }

  @Test(arguments: [
    "HTTP/1.1\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 600 OK\r\n",
    "HTTP/1.1 099 OK\r\n", "HTTP/1.1 101 OK\r\n", "HTTP/2 200 OK\r\n", "ICY 200 OK\r\n", "\r\n",
    "HTTP/1.1  200 OK\r\n", "HTTP/1.1 +20 OK\r\n",
  ])
  func aLineThatIsNoStatusEndsTheAnswer(_ line: String) {
    #expect(ResponseHeadTests.read([line, "\r\n"]).problem == .malformed)
  }

  @Test func aHeaderOver64KiBEndsTheAnswer() {
    let line = "X-Filler: " + String(repeating: "a", count: 988) + "\r\n"
    let lines = ["HTTP/1.1 200 OK\r\n"] + Array(repeating: line, count: 66) + ["\r\n"]
    #expect(ResponseHeadTests.read(lines).problem == .tooLarge)
  }

  @Test func randomBytesNeverBringItDown() {
    var generator = SeededRandom.announced()
    let start = Array("HTTP/1.1 200 OK\r\n".utf8)
    for _ in 0..<5_000 {
      var head = ResponseHead()
      for _ in 0..<4 {
        var line = start
        for _ in 0..<3 {
          line[Int.random(in: 0..<line.count, using: &generator)] = .random(
            in: 0...255, using: &generator)
        }
        line.removeLast(Int.random(in: 0...line.count, using: &generator))
        _ = line.withUnsafeBytes { head.take($0) }
      }
      #expect(!head.isComplete || (200...599).contains(head.status))
    }
  }
}
