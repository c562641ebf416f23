import IntakeCore
import IntakeRunner
import Synchronization

/// Chance from a seed, shared by everything in a simulation.
final class SeededChance: Sendable {
  private let state: Mutex<UInt64>

  init(seed: UInt64) { state = Mutex(seed &* 0x9E37_79B9_7F4A_7C15 &+ 1) }

  /// SplitMix64.
  func next() -> UInt64 {
    state.withLock { state in
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = state
      value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
      return value ^ (value >> 31)
    }
  }

  /// True in so many of a hundred cases.
  func happens(_ percent: UInt64) -> Bool { next() % 100 < percent }
}

/// A clock whose waits take no time: sleeping moves it on.
final class VirtualClock: RunClock {
  private let now = Mutex(1000.0)
  private let chance: SeededChance

  init(_ chance: SeededChance) { self.chance = chance }

  var monotonic: Double { now.withLock { $0 } }
  var wall: UnixTime { monotonic }

  func sleep(seconds: Double) async {
    now.withLock { $0 += seconds }
    await Task.yield()
  }

  func random(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + Double(chance.next() % 1000) / 1000 * (range.upperBound - range.lowerBound)
  }
}

/// Everything that outlives a crash of the program: the server's truth and what is on disk.
final class SimulatedWorld: Sendable {
  /// A line of the ledger.
  enum Line: Sendable, Equatable {
    case intent(String)
    case outcome(String, Verdict)
    /// A follow-up, as `row.number`.
    case begun(String)
    /// A step that the server has: the row for the request itself, `row.number` for a follow-up.
    case done(String)
  }

  struct State {
    var applied: [String: Int] = [:]
    var requests: [String] = []
    var ledger: [Line] = []
    var told: [String: Verdict] = [:]
    var isCrashed = false
    var stepsToCrash = Int.max
    /// What the checker holds against the program.
    var violations: [String] = []
  }

  let chance: SeededChance
  let state = Mutex(State())

  init(seed: UInt64) { chance = SeededChance(seed: seed) }

  /// Starts the program again; it will crash after so many steps.
  func restart(stepsToCrash: Int) {
    state.withLock {
      $0.isCrashed = false
      $0.stepsToCrash = stepsToCrash
    }
  }

  /// A point where the program may be killed; throws ever after.
  func step() throws {
    try state.withLock { state in
      state.stepsToCrash -= 1
      if state.stepsToCrash <= 0 { state.isCrashed = true }
      if state.isCrashed { throw JournalError("crashed") }
    }
  }

  /// What the ledger says about a row.
  func standing(of key: String) -> Standing {
    state.withLock { state in
      state.ledger.reduce(.unknown) { standing, line in
        switch line {
        case .intent(key): return .inDoubt
        case .outcome(key, .accepted): return .accepted
        case .outcome(key, .inDoubt): return .inDoubt
        case .outcome(key, _): return .notAccepted
        case .begun(let step) where step.hasPrefix(key + "."): return .inDoubt
        case .done(let step) where step == key || step.hasPrefix(key + "."): return .notAccepted
        default: return standing
        }
      }
    }
  }
}
