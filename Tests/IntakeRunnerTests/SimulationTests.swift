import IntakeCore
import IntakeRunner
import IntakeSystem
import Synchronization
import Testing

/// Thousands of runs with crashes at random steps, refusals, throttling and lost answers, in virtual time.
@Suite(.timeLimit(.minutes(20)))
struct SimulationTests {
  private static let rows = 8

  /// What a simulated life is like.
  private struct Life {
    var ambiguous = RunPolicy.Ambiguous.reconcile
    /// Whether each run's manifest has bad lines with the identities of good ones.
    var hasTwins = false
    /// Seconds by which the wall clock jumps.
    var jumps = 0.0
    /// Steps that follow each request.
    var followUps = 0
  }

  private func lines(_ life: Life, _ world: SimulatedWorld) -> [Simulated.Line] {
    let good = (0..<SimulationTests.rows).map { Simulated.Line(number: $0) }
    let bad = good.map { Simulated.Line(number: $0.number, isGood: false) }
    // The order comes from the world's seed, as everything by chance does.
    return (good + (life.hasTwins ? bad : [])).map { (world.chance.next(), $0) }
      .sorted { $0.0 < $1.0 }.map(\.1)
  }

  @discardableResult
  private func run(_ world: SimulatedWorld, stepsToCrash: Int, _ life: Life) async throws
    -> RunSummary?
  {
    world.restart(stepsToCrash: stepsToCrash)
    var policy = RunPolicy()
    policy.concurrency = 2
    policy.workers = 2
    policy.ambiguous = life.ambiguous
    let pipeline = Pipeline(
      loader: Simulated.Load(lines(life, world)),
      assembler: Simulated.Assemble(followUps: life.followUps),
      submitter: Simulated.Submit(world), journal: Simulated.Ledger(world),
      recorders: [Simulated.Archive(world)])
    let runner = Runner(
      pipeline: pipeline, policy: policy, stop: StopSwitch(),
      observer: Simulated.Observer(world: world),
      clock: VirtualClock(world.chance, jumps: life.jumps))
    return try? await runner.run(target: "simulated", operation: "create")
  }

  /// Three runs that crash and then as many as it takes, at most 40.
  private func live(_ world: SimulatedWorld, _ life: Life) async throws {
    for _ in 0..<3 {
      let steps = Int(world.chance.next() % 60) + 1
      try await run(world, stepsToCrash: steps, life)
    }
    for _ in 0..<40 where !isFinished(world, life) {
      try await run(world, stepsToCrash: .max, life)
    }
  }

  private func standings(_ world: SimulatedWorld) -> [Standing] {
    (0..<SimulationTests.rows).map { world.standing(of: "C-\($0)") }
  }

  private func isFinished(_ world: SimulatedWorld, _ life: Life) -> Bool {
    standings(world).allSatisfy {
      $0 == .accepted || ($0 == .inDoubt && life.ambiguous == .hold)
    }
  }

  private func expectPromises(_ world: SimulatedWorld, _ life: Life, seed: UInt64) {
    let state = world.state.withLock { $0 }
    #expect(state.violations.isEmpty, "seed \(seed): \(state.violations)")
    #expect(state.applied.values.allSatisfy { $0 == 1 }, "seed \(seed): \(state.applied)")
    #expect(isFinished(world, life), "seed \(seed): \(standings(world))")
    for (index, standing) in standings(world).enumerated() where standing == .accepted {
      #expect(state.applied["C-\(index)"] == 1, "seed \(seed): C-\(index) was never sent")
    }
  }

  /// So many seeds in parts of 250: a processor that has nothing else left to test takes the next part.
  private static func seeds(_ count: UInt64) -> [ClosedRange<UInt64>] {
    stride(from: 1, through: count, by: 250).map { $0...min($0 + 249, count) }
  }

  @Test(arguments: [RunPolicy.Ambiguous.reconcile, .hold], seeds(1500))
  func nobodyTwiceAndNobodyLost(ambiguous: RunPolicy.Ambiguous, seeds: ClosedRange<UInt64>)
    async throws
  {
    let life = Life(ambiguous: ambiguous)
    for seed in seeds {
      let world = SimulatedWorld(seed: seed)
      try await live(world, life)
      expectPromises(world, life, seed: seed)
    }
  }

  /// A bad line with the id of a good one says nothing about what became of that.
  @Test(arguments: seeds(500))
  func badTwinsHideNobody(seeds: ClosedRange<UInt64>) async throws {
    let life = Life(hasTwins: true)
    for seed in seeds {
      let world = SimulatedWorld(seed: seed)
      try await live(world, life)
      expectPromises(world, life, seed: seed)
    }
  }

  @Test func aRecorderThatFailsEndsTheRunAndLosesNobody() async throws {
    let life = Life()
    var stops = 0
    for seed in UInt64(1)...300 {
      let world = SimulatedWorld(seed: seed, archiveFailures: 5)
      try await live(world, life)
      expectPromises(world, life, seed: seed)
      let last = try await run(
        SimulatedWorld(seed: seed, archiveFailures: 60), stepsToCrash: .max, life)
      stops += last?.stopReason?.contains("did not record") == true ? 1 : 0
    }
    #expect(stops > 250)
  }

  /// The wall clock jumps by a year at every look at it; rows in doubt were written in its future.
  @Test func aClockThatJumpsDelaysNothingForLong() async throws {
    let life = Life(jumps: 31_536_000)
    for seed in UInt64(1)...200 {
      let world = SimulatedWorld(seed: seed, lastWritten: 31_536_000 * 2)
      try await run(world, stepsToCrash: 30, life)
      let summary = try await run(world, stepsToCrash: .max, life)
      // Every row may wait for the settling time (10 s) six times; each that waits moves the clock on for all.
      #expect((summary?.seconds ?? .infinity) < 10_000, "seed \(seed)")
      #expect((summary?.seconds ?? -1) >= 0, "seed \(seed)")
      try await live(world, life)
      expectPromises(world, life, seed: seed)
    }
  }

  /// The request itself reaches the server once, each follow-up at least once, none after it is known to be done.
  @Test(arguments: seeds(700))
  func rowsOfSeveralStepsAreFinishedStepByStep(seeds: ClosedRange<UInt64>) async throws {
    for seed in seeds {
      let world = SimulatedWorld(seed: seed)
      let life = Life(followUps: 2)
      try await live(world, life)
      let state = world.state.withLock { $0 }
      #expect(state.violations.isEmpty, "seed \(seed): \(state.violations)")
      #expect(isFinished(world, life), "seed \(seed): \(standings(world))")
      for row in 0..<SimulationTests.rows {
        #expect(state.applied["C-\(row)"] == 1, "seed \(seed): C-\(row)")
        for step in 1...2 {
          #expect((state.applied["C-\(row).\(step)"] ?? 0) >= 1, "seed \(seed): C-\(row).\(step)")
        }
      }
    }
  }

  @Test func resendFinishesEverybody() async throws {
    for seed in UInt64(1)...300 {
      let world = SimulatedWorld(seed: seed)
      try await live(world, Life(ambiguous: .resend))
      #expect(standings(world).allSatisfy { $0 == .accepted }, "seed \(seed)")
    }
  }
}
