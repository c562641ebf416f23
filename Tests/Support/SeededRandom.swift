#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The same numbers for the same seed on every machine (SplitMix64), so that a failing case can be run again.
package struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: some BinaryInteger) { state = UInt64(truncatingIfNeeded: seed) }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

extension SeededRandom {
  /// Numbers that differ from run to run; `DOCINTAKE_SEED=N swift test --filter NAME` repeats the run that printed N.
  package static func announced(_ test: String = #function) -> SeededRandom {
    let given = getenv("DOCINTAKE_SEED").flatMap { UInt64(String(cString: $0)) }
    let seed = given ?? UInt64.random(in: 0...UInt64.max)
    print("\(test): DOCINTAKE_SEED=\(seed)")
    return SeededRandom(seed: seed)
  }
}
