import IntakeCore
import IntakeRunner
import Synchronization
import Testing

/// Thousands of runs with crashes at random steps, refusals, throttling and lost answers, in virtual time.
struct SimulationTests {
  private static let rows = 8

  private func run(_ world: SimulatedWorld, stepsToCrash: Int, ambiguous: RunPolicy.Ambiguous)
    async throws
  {
    world.restart(stepsToCrash: stepsToCrash)
    var policy = RunPolicy()
    policy.concurrency = 2
    policy.workers = 2
    policy.ambiguous = ambiguous
    let pipeline = Pipeline(
      loader: Simulated.Load(Array(0..<SimulationTests.rows).shuffled()),
      assembler: Simulated.Assemble(), submitter: Simulated.Submit(world),
      journal: Simulated.Ledger(world))
    let runner = Runner(
      pipeline: pipeline, policy: policy, stop: StopSwitch(),
      observer: Simulated.Observer(world: world), clock: VirtualClock(world.chance))
    _ = try? await runner.run(target: "simulated", operation: "create")
  }

  /// Three runs that crash and then as many as it takes, at most 30.
  private func live(_ world: SimulatedWorld, _ ambiguous: RunPolicy.Ambiguous) async throws {
    for _ in 0..<3 {
      let steps = Int(world.chance.next() % 60) + 1
      try await run(world, stepsToCrash: steps, ambiguous: ambiguous)
    }
    for _ in 0..<30 where !isFinished(world, ambiguous) {
      try await run(world, stepsToCrash: .max, ambiguous: ambiguous)
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

  @Test(.timeLimit(.minutes(5))) func resendFinishesEverybody() async throws {
    for seed in UInt64(1)...300 {
      let world = SimulatedWorld(seed: seed)
      try await live(world, .resend)
      #expect(standings(world).allSatisfy { $0 == .accepted }, "seed \(seed)")
    }
  }
}
