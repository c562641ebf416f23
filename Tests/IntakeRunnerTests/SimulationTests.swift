import IntakeCore
import IntakeRunner
import Synchronization
import Testing

/// Thousands of runs with crashes at random steps, refusals, throttling and lost answers, in virtual time.
struct SimulationTests {
  private static let rows = 8

  private func run(
    _ world: SimulatedWorld, stepsToCrash: Int, ambiguous: RunPolicy.Ambiguous, followUps: Int
  ) async throws {
    world.restart(stepsToCrash: stepsToCrash)
    var policy = RunPolicy()
    policy.concurrency = 2
    policy.workers = 2
    policy.ambiguous = ambiguous
    let pipeline = Pipeline(
      loader: Simulated.Load(Array(0..<SimulationTests.rows).shuffled()),
      assembler: Simulated.Assemble(followUps: followUps), submitter: Simulated.Submit(world),
      journal: Simulated.Ledger(world))
    let runner = Runner(
      pipeline: pipeline, policy: policy, stop: StopSwitch(),
      observer: Simulated.Observer(world: world), clock: VirtualClock(world.chance))
    _ = try? await runner.run(target: "simulated", operation: "create")
  }

  /// Three runs that crash and then as many as it takes, at most 30.
  private func live(
    _ world: SimulatedWorld, _ ambiguous: RunPolicy.Ambiguous, followUps: Int = 0
  ) async throws {
    for _ in 0..<3 {
      let steps = Int(world.chance.next() % 60) + 1
      try await run(world, stepsToCrash: steps, ambiguous: ambiguous, followUps: followUps)
    }
    for _ in 0..<30 where !isFinished(world, ambiguous) {
      try await run(world, stepsToCrash: .max, ambiguous: ambiguous, followUps: followUps)
    }
  }

  private func standings(_ world: SimulatedWorld) -> [Standing] {
    (0..<SimulationTests.rows).map { world.standing(of: "C-\($0)") }
  }

  private func isFinished(_ world: SimulatedWorld, _ ambiguous: RunPolicy.Ambiguous) -> Bool {
    standings(world).allSatisfy { $0 == .accepted || ($0 == .inDoubt && ambiguous == .hold) }
  }

  @Test(.timeLimit(.minutes(5)), arguments: [RunPolicy.Ambiguous.reconcile, .hold])
  func nobodyTwiceAndNobodyLost(ambiguous: RunPolicy.Ambiguous) async throws {
    for seed in UInt64(1)...1500 {
      let world = SimulatedWorld(seed: seed)
      try await live(world, ambiguous)
      let state = world.state.withLock { $0 }
      #expect(state.violations.isEmpty, "seed \(seed): \(state.violations)")
      #expect(state.applied.values.allSatisfy { $0 == 1 }, "seed \(seed): \(state.applied)")
      #expect(isFinished(world, ambiguous), "seed \(seed): \(standings(world))")
      for (index, standing) in standings(world).enumerated() where standing == .accepted {
        #expect(state.applied["C-\(index)"] == 1, "seed \(seed): C-\(index) was never sent")
      }
    }
  }

  /// The request itself reaches the server once, each follow-up at least once, none after it is known to be done.
  @Test(.timeLimit(.minutes(5))) func rowsOfSeveralStepsAreFinishedStepByStep() async throws {
    for seed in UInt64(1)...700 {
      let world = SimulatedWorld(seed: seed)
      try await live(world, .reconcile, followUps: 2)
      let state = world.state.withLock { $0 }
      #expect(state.violations.isEmpty, "seed \(seed): \(state.violations)")
      #expect(isFinished(world, .reconcile), "seed \(seed): \(standings(world))")
      for row in 0..<SimulationTests.rows {
        #expect(state.applied["C-\(row)"] == 1, "seed \(seed): C-\(row)")
        for step in 1...2 {
          #expect((state.applied["C-\(row).\(step)"] ?? 0) >= 1, "seed \(seed): C-\(row).\(step)")
        }
      }
    }
  }

  @Test(.timeLimit(.minutes(5))) func resendFinishesEverybody() async throws {
    for seed in UInt64(1)...300 {
      let world = SimulatedWorld(seed: seed)
      try await live(world, .resend)
      #expect(standings(world).allSatisfy { $0 == .accepted }, "seed \(seed)")
    }
  }
}
