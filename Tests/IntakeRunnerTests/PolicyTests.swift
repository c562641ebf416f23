import IntakeCore
import IntakeRunner
import IntakeSystem
import Testing

struct RetryPolicyTests {
  @Test func connectionsAreTriedFourTimesWithGrowingJitter() {
    var policy = RetryPolicy()
    let failed = OutcomeClass.retryable(after: nil)
    #expect(
      policy.decide(failed, attempt: 1, chance: 0.5)
        == .retry(after: 0.5, everybody: false, asked: false))
    #expect(
      policy.decide(failed, attempt: 2, chance: 0.5)
        == .retry(after: 1, everybody: false, asked: false))
    #expect(
      policy.decide(failed, attempt: 3, chance: 1)
        == .retry(after: 4, everybody: false, asked: false))
    #expect(policy.decide(failed, attempt: 4, chance: 0.5) == .giveUp)
  }

  @Test func whatTheServerAsksForWins() {
    var policy = RetryPolicy()
    let decision = policy.decide(.yield(after: 42), attempt: 1, chance: 0)
    #expect(decision == .retry(after: 42, everybody: true, asked: true))
  }

  @Test func aWaitOfMoreThanFifteenMinutesStopsTheRun() {
    var policy = RetryPolicy()
    guard case .stop = policy.decide(.yield(after: 901), attempt: 1, chance: 0) else {
      Issue.record("the run went on")
      return
    }
  }

  @Test func theWholeRunSharesOnePurse() {
    var policy = RetryPolicy()
    var retries = 0
    while case .retry = policy.decide(.retryable(after: nil), attempt: 1, chance: 0) {
      retries += 1
    }
    #expect(retries == 500 / 14)
  }

  @Test(arguments: [OutcomeClass.rejected, .inDoubt, .fatal, .accepted])
  func nothingElseIsTriedAgain(outcome: OutcomeClass) {
    var policy = RetryPolicy()
    #expect(policy.decide(outcome, attempt: 1, chance: 0) == .giveUp)
  }
}

struct SendingHealthTests {
  @Test func anAnswerAboutARowInDoubtLetsTheOthersGo() {
    var health = SendingHealth(most: 8)
    #expect(health.noteInquiry(nil) == nil)
    #expect(health.permits == 8)
  }

  @Test func fiveQuestionsWithoutAnAnswerStopTheRun() {
    var health = SendingHealth(most: 8)
    for _ in 1...4 { #expect(health.noteInquiry(.noAnswer) == nil) }
    #expect(health.noteInquiry(nil) == nil)
    for _ in 1...4 { #expect(health.noteInquiry(.noAnswer) == nil) }
    #expect(health.noteInquiry(.noAnswer)?.contains("5 questions") == true)
  }

  private let good = Receipt(.accepted, http: 200)

  @Test func theCanaryGoesAlone() {
    var health = SendingHealth(most: 8)
    #expect(health.permits == 1)
    #expect(health.note(good, seconds: 0.1) == nil)
    #expect(health.permits == 8)
  }

  @Test func throttlingHalvesAndSuccessesAddOneForTen() {
    var health = SendingHealth(most: 8)
    _ = health.note(good, seconds: 0.1)
    _ = health.note(Receipt(.yield(after: 1), http: 429), seconds: 0.1)
    #expect(health.permits == 4)
    for _ in 0..<9 { _ = health.note(good, seconds: 0.1) }
    #expect(health.permits == 5)
  }

  @Test func fiveRefusalsFromTheStartStopTheRun() {
    var health = SendingHealth(most: 8)
    let refused = Receipt(.rejected, http: 400)
    for _ in 0..<4 { #expect(health.note(refused, seconds: 0.1) == nil) }
    #expect(health.note(refused, seconds: 0.1) != nil)
  }

  @Test func eightRefusalsOfOneMomentHalveOnce() {
    var health = SendingHealth(most: 8)
    _ = health.note(good, seconds: 0.1)
    let throttled = Receipt(.yield(after: 1), http: 429)
    for _ in 0..<8 { _ = health.note(throttled, seconds: 0.1) }
    #expect(health.permits == 4)
    // These four were sent after the pause: the target bears less still.
    _ = health.note(throttled, seconds: 0.1)
    #expect(health.permits == 2)
  }

  @Test func rowsThatWereRefusedBeforeSayNothingAboutTheTarget() {
    var health = SendingHealth(most: 8)
    let refused = Receipt(.rejected, http: 400)
    for _ in 0..<20 {
      #expect(health.note(refused, seconds: 0.1, isKnownBad: true) == nil)
    }
    for _ in 0..<4 { #expect(health.note(refused, seconds: 0.1) == nil) }
    #expect(health.note(refused, seconds: 0.1) != nil)
  }

  @Test(arguments: [404, 409, 413])
  func refusalsOfOneRowsStateOrSizeDoNotStopTheRun(status: Int) {
    var health = SendingHealth(most: 8)
    for _ in 0..<20 { #expect(health.note(Receipt(.rejected, http: status), seconds: 0.1) == nil) }
  }

  @Test func refusalsAfterASuccessAreSingleRows() {
    var health = SendingHealth(most: 8)
    _ = health.note(good, seconds: 0.1)
    for _ in 0..<20 { #expect(health.note(Receipt(.rejected, http: 400), seconds: 0.1) == nil) }
  }

  @Test func fiveDoubtsInARowStopTheRun() {
    var health = SendingHealth(most: 8)
    _ = health.note(good, seconds: 0.1)
    for _ in 0..<4 { #expect(health.note(Receipt(.inDoubt), seconds: 0.1) == nil) }
    #expect(health.note(Receipt(.inDoubt), seconds: 0.1) != nil)
  }

  @Test func aFatalAnswerStopsTheRun() {
    var health = SendingHealth(most: 8)
    #expect(health.note(Receipt(.fatal, http: 401, detail: "no"), seconds: 0.1) == "no")
  }
}

struct HaltTests {
  @Test(arguments: ["soon,fail=10%", "now,fail=1", "soon,fail=3"])
  func theGrammarIsRead(text: String) { #expect(Halt(text) != nil) }

  @Test(arguments: [
    "", "soon", "later,fail=1", "soon,fail=0", "soon,fail=0%", "soon,fail=101%", "soon,done=1",
  ])
  func otherTextIsRefused(text: String) { #expect(Halt(text) == nil) }

  @Test func percentagesWaitForTenRows() throws {
    let halt = try #require(Halt("soon,fail=10%"))
    #expect(!halt.isReached(failed: 1, of: 1))
    #expect(halt.isReached(failed: 1, of: 10))
    #expect(!halt.isReached(failed: 1, of: 11))
  }
}

struct ShardTests {
  @Test func everyRowBelongsToExactlyOneShard() throws {
    let shards = try (1...5).map { try #require(Shard(index: $0, of: 5)) }
    var sizes = [0, 0, 0, 0, 0]
    for number in 0..<5000 {
      let identity = Personal(Array("id:C-\(number)".utf8))
      let owners = shards.indices.filter { shards[$0].contains(identity) }
      #expect(owners.count == 1)
      sizes[owners[0]] += 1
    }
    for size in sizes { #expect((850...1150).contains(size)) }
  }

  /// Hosts of a batch may run different versions: the part that a row belongs to never changes.
  @Test func theShardOfARowNeverChanges() throws {
    let shards = try (1...7).map { try #require(Shard(index: $0, of: 7)) }
    let owners = ["id:C-1001", "id:C-1002", "email:ann@example.com", "row:1;2", ""].map { text in
      shards.first { $0.contains(Personal(Array(text.utf8))) }?.index
    }
    #expect(owners == [6, 2, 4, 1, 2])
  }

  @Test func shardsCountFromOne() {
    #expect(Shard(index: 0, of: 3) == nil)
    #expect(Shard(index: 4, of: 3) == nil)
    #expect(Shard(index: 1, of: 0) == nil)
  }
}

struct PermitsTests {
  @Test(.timeLimit(.minutes(5))) func neverMoreThanItsCapacity() async {
    let gate = Permits(capacity: 3)
    let peak = Peak()
    await withTaskGroup { group in
      for _ in 0..<50 {
        group.addTask {
          await gate.enter()
          await peak.enter()
          await Task.yield()
          await peak.leave()
          gate.leave()
        }
      }
    }
    #expect(await peak.most == 3)
  }

  @Test(.timeLimit(.minutes(5))) func oneOverTheCapacityPassesAlone() async {
    let gate = Permits(capacity: 10)
    await gate.enter(50)
    gate.leave(50)
    await gate.enter(10)
  }

  private actor Peak {
    var now = 0
    var most = 0
    func enter() {
      now += 1
      most = max(most, now)
    }
    func leave() { now -= 1 }
  }
}
