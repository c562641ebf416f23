import IntakeCore
import IntakeSystem
import Testing

@testable import IntakeRunner

/// What answers say about the target, without a clock or a network.
struct TargetHealthTests {
  private let accepted = Receipt(.accepted, http: 200)
  private let throttled = Receipt(.yield(after: 1), http: 429)
  private let unreachable = Receipt(.retryable(after: nil), code: .connectionFailed)
  private let unanswered = Receipt(.inDoubt, code: .noAnswer)

  /// A target that has answered a first request, or none yet.
  private func health(
    isThere: Bool = true, _ change: (inout RunPolicy) -> Void = { _ in }
  ) -> TargetHealth {
    var policy = RunPolicy()
    policy.concurrency = 8
    change(&policy)
    var health = TargetHealth(policy)
    if isThere { _ = health.note(accepted, of: TargetHealth.Attempt(), at: 0) }
    return health
  }

  /// An attempt that begins now.
  private func attempt(
    _ health: TargetHealth, failures: Int = 0, safety: RepeatSafety = .converges,
    chance: Double = 1, canBeSettled: Bool = true, row: Int = 2
  ) -> TargetHealth.Attempt {
    var attempt = TargetHealth.Attempt()
    attempt.row = row
    (attempt.event, attempt.failures, attempt.safety) = (health.event, failures, safety)
    (attempt.chance, attempt.canBeSettled) = (chance, canBeSettled)
    return attempt
  }

  @Test func theCanaryGoesAlone() {
    var health = health(isThere: false)
    #expect(health.permits == 1)
    _ = health.note(accepted, of: attempt(health), at: 0)
    #expect(health.permits == 8)
  }

  @Test func anAnswerToAQuestionLetsTheOthersGo() {
    var health = health(isThere: false)
    _ = health.note(accepted, of: attempt(health, safety: .safe), at: 0)
    #expect(health.permits == 8)
  }

  // MARK: Throttling

  @Test func whatTheServerAsksForWins() {
    var health = health()
    let advice = health.note(Receipt(.yield(after: 42), http: 429), of: attempt(health), at: 100)
    #expect(advice == .init(repeats: true, isCounted: true, pause: 42))
    #expect(health.pausedUntil == 142)
  }

  @Test func aWaitOfMoreThanFifteenMinutesStopsTheRun() {
    var health = health()
    let advice = health.note(Receipt(.yield(after: 901), http: 429), of: attempt(health), at: 0)
    #expect(advice.stop?.contains("901 s") == true)
  }

  @Test func withoutAWishThePauseGrowsWithJitter() {
    var health = health()
    let pauses = (0..<5).map { failures in
      health.note(
        Receipt(.yield(after: nil), http: 429),
        of: attempt(health, failures: failures, chance: 0.5),
        at: 0
      ).pause
    }
    #expect(pauses == [0.5, 1, 2, 4, 8])
  }

  /// HAProxy answers with one page whether there are too many requests or no server behind it.
  @Test func beingAskedToWaitForLongWithoutATimeIsAnOutage() {
    var health = health()
    let turnedAway = Receipt(.yield(after: nil), http: 503, code: .throttled)
    for row in 1...40 {
      let advice = health.note(
        turnedAway, of: attempt(health, failures: min(row, 5), row: row), at: 0)
      #expect(row <= 4 || advice.repeats && !advice.isCounted || row == 5)
    }
    #expect(health.outage != nil && health.permits == 1)
    _ = health.note(accepted, of: attempt(health), at: 100)
    #expect(health.outage == nil && health.permits == 8)
  }

  @Test func throttlingHalvesAndSuccessesAddOneForTen() {
    var health = health()
    _ = health.note(throttled, of: attempt(health), at: 0)
    #expect(health.permits == 4)
    for _ in 0..<9 { _ = health.note(accepted, of: attempt(health), at: 0) }
    #expect(health.permits == 5)
  }

  @Test func eightRefusalsOfOneMomentHalveOnce() {
    var health = health()
    let together = attempt(health)
    for _ in 0..<8 { _ = health.note(throttled, of: together, at: 0) }
    #expect(health.permits == 4)
    // This one was sent after the pause: the target bears less still.
    _ = health.note(throttled, of: attempt(health), at: 0)
    #expect(health.permits == 2)
  }

  @Test func aRowIsTriedAgainAsOftenAsThePolicySays() {
    for retries in [0, 1, 5] {
      var health = health { $0.retries = retries }
      let last = health.note(throttled, of: attempt(health, failures: retries), at: 0)
      #expect(!last.repeats)
      guard retries > 0 else { continue }
      #expect(health.note(throttled, of: attempt(health, failures: retries - 1), at: 0).repeats)
    }
  }

  @Test func theWholeRunSharesOneBudget() {
    var health = health()
    var retries = 0
    while health.note(throttled, of: attempt(health), at: 0).repeats { retries += 1 }
    #expect(retries == 500 / 5)
    #expect(health.note(throttled, of: attempt(health), at: 0).stop != nil)
  }

  // MARK: Outages

  @Test func anOutageIsProbedByOneCanaryWithGrowingPauses() {
    var health = health()
    var now = 0.0
    let pauses = (1...8).map { _ in
      let advice = health.note(unreachable, of: attempt(health), at: now)
      #expect(advice.repeats && advice.stop == nil && health.permits == 1)
      now = health.pausedUntil
      return advice.pause
    }
    #expect(pauses == [1, 2, 4, 8, 16, 30, 30, 30])
    _ = health.note(accepted, of: attempt(health), at: now)
    #expect(health.outage == nil && health.permits == 8)
  }

  @Test func aPauseIsAtLeastHalfOfItsLength() {
    var health = health()
    let advice = health.note(unreachable, of: attempt(health, chance: 0), at: 0)
    #expect(advice.pause == 0.5)
  }

  /// One cut of the line is one event, however many requests it hit.
  @Test func requestsThatWereCutTogetherAreOneEvent() {
    var health = health()
    let together = attempt(health)
    let advices = (0..<8).map { _ in health.note(unreachable, of: together, at: 0) }
    #expect(advices.allSatisfy { $0.repeats && $0.stop == nil })
    #expect(advices.count { $0.isCounted } == 1)
    #expect(health.pausedUntil == 1)
  }

  /// An answer that comes late, when the target is back already, opens no outage.
  @Test func aLateFailureOfAnOldEventOpensNoOutage() {
    var health = health()
    let together = attempt(health)
    _ = health.note(unreachable, of: together, at: 0)
    _ = health.note(accepted, of: attempt(health), at: 1)
    #expect(health.note(unreachable, of: together, at: 2) == .init(repeats: true))
    #expect(health.outage == nil && health.permits == 8)
  }

  @Test func failuresInAnOutageDoNotCountAgainstARow() {
    var health = health()
    #expect(health.note(unreachable, of: attempt(health), at: 0).isCounted)
    for _ in 0..<20 {
      let advice = health.note(unreachable, of: attempt(health, failures: 5), at: 1)
      #expect(advice.repeats && !advice.isCounted)
    }
  }

  @Test func anOutageLongerThanThePatienceStopsTheRun() {
    var health = health { $0.waitForTarget = 60 }
    for second in [0.0, 10, 30, 59] {
      #expect(health.note(unreachable, of: attempt(health), at: second).stop == nil)
    }
    let reason = health.note(unreachable, of: attempt(health), at: 60).stop
    #expect(reason?.contains("down for 60 s") == true)
  }

  @Test func withoutPatienceFourFailuresStopTheRun() {
    var health = health { $0.waitForTarget = 0 }
    let stops = (0..<4).map { _ in health.note(unreachable, of: attempt(health), at: 0).stop }
    #expect(stops.map { $0 != nil } == [false, false, false, true])
  }

  @Test func aTargetThatNeverAnsweredIsNotWaitedFor() {
    var health = health(isThere: false)
    let stops = (0..<4).map { _ in health.note(unreachable, of: attempt(health), at: 0).stop }
    #expect(stops[2] == nil && stops[3]?.contains("not answered once") == true)
  }

  @Test func aTargetThatNeverAnsweredIsWaitedForIfThatWasAskedFor() {
    var health = health(isThere: false) { $0.waitForTarget = 60 }
    let stops = (0..<20).map { _ in health.note(unreachable, of: attempt(health), at: 0).stop }
    #expect(stops.allSatisfy { $0 == nil })
    #expect(health.note(unreachable, of: attempt(health), at: 60).stop != nil)
  }

  @Test func aTargetThatAnswers500FromTheStartIsWaitedFor() {
    var health = health(isThere: false)
    let failed = Receipt(.inDoubt, http: 500, code: .targetFailed)
    let stops = (0..<20).map { _ in health.note(failed, of: attempt(health), at: 0).stop }
    #expect(stops.allSatisfy { $0 == nil })
  }

  /// A target may answer questions and still take no rows.
  @Test func anAnsweredQuestionEndsAnOutageOfQuestionsOnly() {
    var ofRows = health()
    _ = ofRows.note(unanswered, of: attempt(ofRows), at: 0)
    _ = ofRows.note(accepted, of: attempt(ofRows, safety: .safe), at: 5)
    #expect(ofRows.outage != nil && ofRows.pausedUntil == 1)
    _ = ofRows.note(unanswered, of: attempt(ofRows), at: 5)
    #expect(ofRows.mayGo(isQuestion: true, at: 5) && !ofRows.mayGo(isQuestion: false, at: 5))
    var ofQuestions = health()
    _ = ofQuestions.note(unreachable, of: attempt(ofQuestions, safety: .safe), at: 0)
    _ = ofQuestions.note(accepted, of: attempt(ofQuestions, safety: .safe), at: 5)
    #expect(ofQuestions.outage == nil && ofQuestions.permits == 8)
  }

  /// The target fails with one row alone: that row is given up, and nobody waits for the target.
  @Test func aRowThatAloneMakesTheTargetFailIsGivenUp() {
    var health = health()
    let failed = Receipt(.retryable(after: nil), http: 500, code: .targetFailed)
    let advices = (0...5).map { failures in
      health.note(failed, of: attempt(health, failures: failures, row: 7), at: 0)
    }
    #expect(advices.allSatisfy { $0.isCounted })
    #expect(advices.map(\.repeats) == [true, true, true, true, true, false])
    // With a second row it is an outage again.
    _ = health.note(failed, of: attempt(health, failures: 0, row: 8), at: 0)
    let advice = health.note(failed, of: attempt(health, failures: 5, row: 7), at: 0)
    #expect(advice.repeats && !advice.isCounted)
  }

  @Test func aRefusedUploadIsNoOutage() {
    var health = health()
    let refused = Receipt(.retryable(after: nil), http: 403, code: .uploadRefused)
    #expect(
      health.note(refused, of: attempt(health), at: 0) == .init(repeats: true, isCounted: true))
    #expect(health.outage == nil && health.permits == 8)
  }

  // MARK: Doubt

  @Test func whatIsInDoubtIsRepeatedOnlyWhereThatIsSafe() {
    for (safety, repeats) in [
      (RepeatSafety.idempotent, true), (.converges, false), (.never, false),
    ] {
      var health = health()
      #expect(
        health.note(unanswered, of: attempt(health, safety: safety), at: 0).repeats == repeats)
    }
  }

  @Test func fiveDoubtsThatNobodyCanSettleStopTheRun() {
    var health = health()
    let stops = (0..<5).map { _ in
      health.note(unanswered, of: attempt(health, canBeSettled: false), at: 0).stop
    }
    #expect(stops.map { $0 != nil } == [false, false, false, false, true])
  }

  @Test func doubtsThatCanBeSettledDoNotStopTheRun() {
    var health = health()
    for _ in 0..<20 {
      #expect(health.note(unanswered, of: attempt(health), at: 0).stop == nil)
    }
  }

  @Test func fiveUnreadableAnswersStopTheRun() {
    var health = health()
    let garbage = Receipt(.inDoubt, http: 200, code: .unrecognizedAnswer)
    let stops = (0..<5).map { _ in health.note(garbage, of: attempt(health), at: 0).stop }
    #expect(stops.map { $0 != nil } == [false, false, false, false, true])
  }

  // MARK: Refusals

  @Test func fiveRefusalsFromTheStartStopTheRun() {
    var health = health(isThere: false)
    let refused = Receipt(.rejected, http: 400)
    for _ in 0..<4 { #expect(health.note(refused, of: attempt(health), at: 0).stop == nil) }
    #expect(health.note(refused, of: attempt(health), at: 0).stop != nil)
  }

  @Test func rowsThatWereRefusedBeforeSayNothingAboutTheTarget() {
    var health = health(isThere: false)
    let refused = Receipt(.rejected, http: 400)
    var known = attempt(health)
    known.isKnownBad = true
    for _ in 0..<20 { #expect(health.note(refused, of: known, at: 0).stop == nil) }
    for _ in 0..<4 { #expect(health.note(refused, of: attempt(health), at: 0).stop == nil) }
    #expect(health.note(refused, of: attempt(health), at: 0).stop != nil)
  }

  @Test(arguments: [404, 409, 413])
  func refusalsOfOneRowsStateOrSizeDoNotStopTheRun(status: Int) {
    var health = health(isThere: false)
    let refused = Receipt(.rejected, http: status)
    for _ in 0..<20 { #expect(health.note(refused, of: attempt(health), at: 0).stop == nil) }
  }

  @Test func refusalsAfterASuccessAreSingleRows() {
    var health = health()
    let refused = Receipt(.rejected, http: 400)
    for _ in 0..<20 { #expect(health.note(refused, of: attempt(health), at: 0).stop == nil) }
  }

  @Test func aFatalAnswerStopsTheRun() {
    var health = health()
    let refused = Receipt(.fatal, http: 401, detail: "no")
    #expect(health.note(refused, of: attempt(health), at: 0).stop == "no")
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
  @Test(.timeLimit(.minutes(20))) func neverMoreThanItsCapacity() async {
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

  @Test(.timeLimit(.minutes(20))) func oneOverTheCapacityPassesAlone() async {
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
