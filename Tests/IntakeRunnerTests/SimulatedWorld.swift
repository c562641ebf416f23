import IntakeCore
import IntakeLedger
import IntakeRunner
import IntakeSystem
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
  /// Seconds by which the wall clock is set back and forth, at random.
  private let jumps: Double

  init(_ chance: SeededChance, jumps: Double = 0) {
    self.chance = chance
    self.jumps = jumps
  }

  var monotonic: Double { now.withLock { $0 } }

  var wall: UnixTime {
    guard jumps > 0 else { return monotonic }
    return monotonic + jumps * (Double(chance.next() % 3) - 1)
  }

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
  struct State {
    var applied: [String: Int] = [:]
    var requests: [String] = []
    /// What the lines of the ledger say, by the rule of the real one.
    private var index = LedgerIndex()
    private var lines = 0
    var intents: [String: Int] = [:]
    /// Follow-ups that were announced, as `row.number`.
    var begun: Set<String> = []
    /// Steps that the server has: the row for the request itself, `row.number` for a follow-up.
    var done: Set<String> = []
    var told: [String: Verdict] = [:]
    var isCrashed = false
    var stepsToCrash = Int.max
    /// What the checker holds against the program.
    var violations: [String] = []

    mutating func append(_ record: LedgerRecord) {
      do throws(JournalError) {
        try index.apply(record, at: lines)
      } catch {
        violations.append(error.description)
      }
      lines += 1
      guard let name = record.key.map(SimulatedWorld.name) else { return }
      switch record.kind {
      case .intent: intents[name, default: 0] += 1
      case .step: take(step: SimulatedWorld.step(record.step ?? 0, of: name), record.verdict)
      default: break
      }
    }

    private mutating func take(step: String, _ verdict: String?) {
      if verdict == Settled.accepted.rawValue { done.insert(step) } else { begun.insert(step) }
    }

    func standing(of key: String) -> Standing {
      guard let key = SimulatedWorld.fingerprint(key) else { return .unknown }
      // An index that keeps every state has nothing to read again, and so never fails.
      return (try? index.standing(of: key)) ?? .unknown
    }
  }

  /// The key of the row `C-7` ends in 7.
  static func fingerprint(_ name: String) -> Fingerprint? {
    name.split(separator: "-").last.flatMap { UInt64($0) }.map { Fingerprint(high: 1, low: $0) }
  }

  static func step(_ number: Int, of name: String) -> String {
    number == 0 ? name : "\(name).\(number)"
  }

  private static let names = Dictionary(
    uniqueKeysWithValues: (0..<100).map { "C-\($0)" }.compactMap { name in
      fingerprint(name).map { ($0, name) }
    })

  private static func name(_ key: Fingerprint) -> String { names[key] ?? "?" }

  let chance: SeededChance
  let state = Mutex(State())
  /// When the last line about any row was written, nil where nobody asks.
  let lastWritten: UnixTime?
  /// In so many of a hundred cases a further recorder fails.
  let archiveFailures: UInt64

  init(seed: UInt64, lastWritten: UnixTime? = nil, archiveFailures: UInt64 = 0) {
    chance = SeededChance(seed: seed)
    self.lastWritten = lastWritten
    self.archiveFailures = archiveFailures
  }

  /// Starts the program again; it will crash after so many steps.
  func restart(stepsToCrash: Int) {
    state.withLock {
      $0.isCrashed = false
      $0.stepsToCrash = stepsToCrash
    }
  }

  /// A point where the program may be killed; throws ever after.
  func step() throws(JournalError) {
    let isCrashed = state.withLock { state in
      state.stepsToCrash -= 1
      if state.stepsToCrash <= 0 { state.isCrashed = true }
      return state.isCrashed
    }
    if isCrashed { throw JournalError("crashed") }
  }

  /// What the ledger says about a row.
  func standing(of key: String) -> Standing { state.withLock { $0.standing(of: key) } }
}
