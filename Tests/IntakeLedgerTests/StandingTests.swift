import IntakeCore
import IntakeLedger
import Testing

/// What a history of a row means for the next run: the safe side where the history does not prove more.
@Suite(.timeLimit(.minutes(20)))
struct StandingTests {
  enum Event: Sendable {
    case run, start, intent, mark(Settled)
    case sent(Verdict)
    case notSent(Verdict)
    case begun(Int)
    case done(Int)
  }

  /// A request that two follow-ups follow.
  private static let request: Submission = {
    var request = Submission.test()
    request.followUps = ["upload.front", "upload.back"].map {
      FollowUp(name: $0, side: nil, inquiry: .test("?"), request: .test($0))
    }
    return request
  }()

  let folder = TemporaryFolder()

  private func standing(after events: [Event]) async throws -> Standing {
    var ledger = try await Ledger.open(folder.ledger)
    let key = ledger.key("row")
    for event in events {
      switch event {
      case .run:
        await ledger.close()
        ledger = try await Ledger.open(folder.ledger)
      case .start: try await ledger.noteStart(of: key)
      case .intent: try await ledger.intend(Self.request, for: key, attempt: 1)
      case .begun(let step):
        try await ledger.begin(step, of: Self.request, for: key)
      case .done(let step): try await ledger.complete(step, of: Self.request, for: key)
      case .sent(let verdict): try await ledger.record(.test(key, verdict, attempts: 1))
      case .notSent(let verdict): try await ledger.record(.test(key, verdict))
      case .mark(let settled): try await ledger.mark(key, as: settled, by: "target")
      }
    }
    let live = try ledger.known("row").standing
    await ledger.close()
    let reopened = try await Ledger.open(folder.ledger)
    #expect(try reopened.known("row").standing == live, "what is remembered is what is read again")
    await reopened.close()
    return live
  }

  @Test(
    arguments: [
      ([], .unknown),
      ([.start], .unknown),
      ([.intent], .inDoubt),
      ([.intent, .sent(.accepted)], .accepted),
      ([.intent, .sent(.rejected)], .notAccepted),
      ([.intent, .sent(.failed)], .notAccepted),
      ([.intent, .sent(.inDoubt)], .inDoubt),
      ([.notSent(.rejected)], .notAccepted),
      ([.notSent(.failed)], .notAccepted),
    ] as [([Event], Standing)])
  func oneRunSaysWhatItSaw(events: [Event], standing: Standing) async throws {
    #expect(try await self.standing(after: events) == standing)
  }

  @Test(
    arguments: [
      // Attempts of one run: the runner repeats only what is known not to have been processed.
      ([.intent, .intent, .sent(.failed)], .notAccepted),
      // An attempt of a run that was killed is not settled by what a later attempt is told …
      ([.intent, .run, .intent, .sent(.failed)], .inDoubt),
      ([.intent, .run, .intent, .sent(.rejected)], .inDoubt),
      ([.intent, .sent(.inDoubt), .run, .intent, .sent(.rejected)], .inDoubt),
      // … unless that is "accepted", or somebody settled it in between.
      ([.intent, .run, .intent, .sent(.accepted)], .accepted),
      ([.intent, .run, .mark(.notAccepted), .intent, .sent(.rejected)], .notAccepted),
      ([.intent, .run, .mark(.notAccepted)], .notAccepted),
      ([.intent, .run, .mark(.accepted)], .accepted),
      ([.intent, .run, .notSent(.accepted)], .accepted),
      // A row that is not sent this time tells nothing about what the target has.
      ([.intent, .sent(.accepted), .run, .notSent(.rejected)], .accepted),
      ([.intent, .sent(.accepted), .run, .notSent(.inDoubt)], .accepted),
      ([.intent, .run, .notSent(.rejected)], .inDoubt),
      ([.intent, .run, .notSent(.failed)], .inDoubt),
      ([.intent, .run, .notSent(.inDoubt)], .inDoubt),
      ([.intent, .sent(.accepted), .run, .notSent(.skipped)], .accepted),
      // New content for an accepted row.
      ([.intent, .sent(.accepted), .run, .intent], .inDoubt),
      ([.intent, .sent(.accepted), .run, .intent, .sent(.rejected)], .notAccepted),
    ] as [([Event], Standing)])
  func severalAttemptsSayNoMoreThanTheyProve(events: [Event], standing: Standing) async throws {
    #expect(try await self.standing(after: events) == standing)
  }

  @Test(
    arguments: [
      // The customer is there and nothing else is: the rest may be sent, and nothing is in doubt.
      ([.intent, .done(0)], .notAccepted, [0]),
      ([.intent, .done(0), .run], .notAccepted, [0]),
      ([.intent, .done(0), .begun(1)], .inDoubt, [0]),
      ([.intent, .done(0), .begun(1), .done(1)], .notAccepted, [0, 1]),
      ([.intent, .done(0), .begun(1), .run, .begun(1), .done(1), .begun(2)], .inDoubt, [0, 1]),
      ([.intent, .done(0), .begun(1), .sent(.rejected)], .notAccepted, [0]),
      ([.intent, .done(0), .begun(1), .run, .begun(1), .sent(.failed)], .inDoubt, [0]),
      (
        [.intent, .done(0), .begun(1), .done(1), .begun(2), .done(2), .sent(.accepted)],
        .accepted, [0, 1, 2]
      ),
      ([.intent, .done(0), .done(1), .done(2), .run, .notSent(.accepted)], .accepted, [0, 1, 2]),
      // Sending the request again sends its follow-ups again.
      ([.intent, .done(0), .done(1), .run, .intent], .inDoubt, []),
      ([.intent, .run, .done(0)], .notAccepted, [0]),
      ([.intent, .done(0), .mark(.notAccepted)], .notAccepted, []),
    ] as [([Event], Standing, Set<Int>)])
  func stepsThatAreDoneAreRemembered(
    events: [Event], standing: Standing, done: Set<Int>
  ) async throws {
    #expect(try await self.standing(after: events) == standing)
    let ledger = try await Ledger.open(folder.ledger)
    let row = try ledger.known("row")
    #expect(row.stepsDone(of: Self.request) == done)
    var changed = Self.request
    changed.followUps[1] = FollowUp(
      name: "upload.back", side: nil, inquiry: .test("?"), request: .test("other"))
    #expect(row.stepsDone(of: changed).isEmpty)
    await ledger.close()
  }

  @Test(
    arguments: [
      ([.start], 1), ([.start, .run, .start], 2), ([.start, .notSent(.rejected)], 0),
      ([.start, .run, .start, .intent], 0),
      ([.start, .notSent(.rejected), .run, .start, .notSent(.rejected)], 0), ([], 0),
    ] as [([Event], Int)])
  func startsWithoutAnEndAreCounted(events: [Event], count: Int) async throws {
    _ = try await standing(after: events)
    let ledger = try await Ledger.open(folder.ledger)
    #expect(try ledger.known("row").crashes == count)
  }

  @Test func anOutcomeThatSaysLessDoesNotHideTheOneThatCounts() async throws {
    _ = try await standing(after: [.intent, .sent(.accepted), .run, .notSent(.rejected)])
    let ledger = try await Ledger.open(folder.ledger)
    #expect(try ledger.known("row").standing == .accepted)
    await ledger.close()
    var verdicts: [String?] = []
    try LedgerReader(folder.ledger).forEachRow { row throws(JournalError) in
      verdicts.append(row.outcome?.verdict)
    }
    #expect(verdicts == ["accepted"])
  }
}
