import GateStage
import IntakeCore
import Testing

struct SamePictureTests {
  @Test func `front and back of one row that are the same picture are refused`() throws {
    let check = try GateWorkshop(["same-picture": .text("off")])
    #expect(check.refusal(.print, line: 2, .front) == nil)
    let failure = try #require(check.refusal(.reprint, line: 2, .back))
    #expect(failure.detail.contains("front and back are the same picture"), "\(failure)")
    #expect(failure.side == .back)
  }

  @Test func `the same pixels on both sides are the same picture, however little they show`() throws
  {
    let check = try GateWorkshop(["same-picture": .text("off"), "blank": .text("off")])
    #expect(check.refusal(.oneLine, line: 2, .front) == nil)
    let failure = check.refusal(.oneLine, line: 2, .back)
    #expect(failure?.detail.contains("front and back are the same picture") == true)
  }

  @Test func `the hint says which of two rows is refused, and that earlier runs are not known`()
    throws
  {
    let check = try GateWorkshop()
    #expect(check.refusal(.print, line: 2, .front) == nil)
    let hint = try #require(check.refusal(.print, line: 9, .front)?.hint)
    #expect(hint.contains("this run") && hint.contains("the later is refused"))
  }

  @Test func `front and back that differ go through`() throws {
    let check = try GateWorkshop()
    #expect(check.refusal(.print, line: 2, .front) == nil)
    #expect(check.refusal(.otherPrint, line: 2, .back) == nil)
  }

  @Test func `the same pixels in another row are refused, naming that row`() throws {
    let check = try GateWorkshop()
    #expect(check.refusal(.print, line: 2, .front) == nil)
    let failure = try #require(check.refusal(.print, line: 9, .back))
    #expect(failure.detail.contains("the front in line 2"), "\(failure)")
  }

  @Test func `a like picture of another row is no business of this check`() throws {
    let check = try GateWorkshop()
    #expect(check.refusal(.print, line: 2, .front) == nil)
    #expect(check.refusal(.reprint, line: 3, .front) == nil)
  }

  @Test func `a side that is prepared twice is no twin of itself`() throws {
    let check = try GateWorkshop()
    #expect(check.refusal(.print, line: 2, .front) == nil)
    #expect(check.refusal(.otherPrint, line: 2, .back) == nil)
    #expect(check.refusal(.print, line: 2, .front) == nil)
  }

  @Test func `only the latest pictures are remembered`() throws {
    let check = try GateWorkshop(["remembered": .integer(2)])
    #expect(check.refusal(.print, line: 2, .front) == nil)
    #expect(check.refusal(.otherPrint, line: 3, .front) == nil)
    #expect(check.refusal(.reprint, line: 4, .front) == nil)
    #expect(check.refusal(.print, line: 5, .front) == nil)
    #expect(check.refusal(.print, line: 6, .front) != nil)
  }

  @Test(.timeLimit(.minutes(20)))
  func `many rows side by side lose no twin`() async throws {
    let check = try GateWorkshop(["same-sides": .text("off")])
    let refused = await withTaskGroup(of: Bool.self) { group in
      for line in 2..<42 {
        group.addTask { check.refusal(.print, line: line, .front) != nil }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(refused == 39)
  }
}
