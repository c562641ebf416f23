#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Tests that take minutes or depend on the clock of a quiet machine: run with `DOCINTAKE_SLOW=1 swift test`.
package enum SlowTests {
  /// Whether the caller asks for them.
  package static var areWanted: Bool { getenv("DOCINTAKE_SLOW") != nil }

  /// A size that the environment may change.
  package static func size(_ name: String, otherwise: Int) -> Int {
    getenv(name).flatMap { Int(String(cString: $0)) } ?? otherwise
  }
}
