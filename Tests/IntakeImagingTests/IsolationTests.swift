import IntakeCore
import IntakeSystem
import Synchronization
import TestSupport
import Testing

@testable import IntakeImaging

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Decoding in processes that own nothing: what they cannot do, and that nobody notices otherwise.
struct IsolationTests {
  /// Whatever an attacker's code would try once it runs in a decoder.
  static let faults = [
    "readPasswords", "readEnvironment", "readMemory", "connect", "execute", "fork",
    "writeEverywhere", "mapCode", "allowCode", "raiseLimit", "signalParent", "crash", "abort",
    "leave",
    "babble", "announceMuch", "overfill", "lieAboutSize", "hideText",
  ]

  private static func pool(
    _ program: String = Program.hostilePath, edit: (inout DecoderLimits) -> Void = { _ in }
  ) -> DecoderPool {
    var limits = DecoderLimits()
    edit(&limits)
    return DecoderPool(width: 1, program: program, limits: limits)
  }

  private static func prepare(_ bytes: [UInt8], in pool: DecoderPool?) throws -> PreparedImage {
    try DecoderPool.$current.withValue(pool) { try ImageShrinker().prepare(try scan(bytes)) }
  }

  @Test(arguments: faults)
  func `a decoder that was taken over loses its picture and nothing else`(_ fault: String) throws {
    let pool = Self.pool()
    defer { pool.stop() }
    #expect(
      failure { _ = try Self.prepare(TinyScan.planted(fault), in: pool) }?.code == .decoderCrashed)
    #expect(try Self.prepare(TinyScan.planted("none"), in: pool).report.sent.size.height == 48)
  }

  @Test func `a system call that is not on the list ends the process`() throws {
    let pool = Self.pool()
    defer { pool.stop() }
    let scan = TinyScan.planted("connect")
    let found = try #require(failure { _ = try Self.prepare(scan, in: pool) })
    #expect(found.detail.contains("tried what it may not do"))
    #expect(found.side == .front && found.file == "scan" && !found.hint.isEmpty)
    #expect(Confinement.calls.contains("read") && !Confinement.calls.contains("socket"))
  }

  @Test func `a decoder that never comes to an end is ended by its processor time`() throws {
    let pool = Self.pool { $0.processorSeconds = 0 }
    defer { pool.stop() }
    let code = failure { _ = try Self.prepare(TinyScan.planted("loop"), in: pool) }?.code
    #expect(code == .decoderTimeout)
  }

  @Test func `a decoder that waits for ever is ended by the clock`() throws {
    let pool = Self.pool { $0.seconds = 0.3 }
    defer { pool.stop() }
    try pool.becomeReady()
    let code = failure { _ = try Self.prepare(TinyScan.planted("wait"), in: pool) }?.code
    #expect(code == .decoderTimeout)
  }

  @Test func `a decoder that takes memory without end is ended by its limit`() throws {
    let pool = Self.pool()
    defer { pool.stop() }
    let code = failure { _ = try Self.prepare(TinyScan.planted("allocate"), in: pool) }?.code
    #expect(code == .decoderMemory)
  }

  @Test func `a decoder that somebody kills costs no picture`() throws {
    let pool = Self.pool()
    defer { pool.stop() }
    try pool.becomeReady()
    let first = try #require(pool.processes.first)
    kill(first, SIGKILL)
    _ = try Self.prepare(TinyScan.planted("none"), in: pool)
    #expect(pool.processes.first != first)
  }

  @Test func `without a process to be had, pictures are refused or decoded here`() throws {
    let strict = Self.pool("/nonexistent")
    defer { strict.stop() }
    let found = failure { _ = try Self.prepare(TinyScan.planted("none"), in: strict) }
    #expect(found?.outcome == .fatal && found?.detail.contains("start a process") == true)
    let reasons = Mutex(0)
    let lenient = DecoderPool(width: 2, program: "/bin/true") { _ in reasons.withLock { $0 += 1 } }
    defer { lenient.stop() }
    for _ in 0..<3 { _ = try Self.prepare(TinyScan.planted("none"), in: lenient) }
    #expect(reasons.withLock(\.self) == 1 && !lenient.isInForce)
  }

  @Test func `pictures are the same to the byte with and without processes`() throws {
    let pool = Self.pool()
    defer { pool.stop() }
    var sources = try ["progressive", "multiscan", "odd-gray-2x2", "cmyk", "ycck-adobe", "420"].map(
      fixture)
    sources += [PNGWriter().bytes, try jpeg(of: noise(700, 500)), try jpeg(of: document(900, 600))]
    for bytes in sources {
      for (edge, budget) in [(64, 500_000), (2048, 500_000), (640, 9_000)] {
        let results = [pool, nil].map { pool in
          DecoderPool.$current.withValue(pool) { () -> Result<PreparedImage, any Error> in
            var shrinker = ImageShrinker()
            (shrinker.edge, shrinker.minimumEdge) = (edge, 64)
            return Result { try shrinker.prepare(try scan(bytes), budget: budget) }
          }
        }
        #expect(Self.text(results[0]) == Self.text(results[1]))
        let bitmaps = try [pool, nil].map { pool in
          try DecoderPool.$current.withValue(pool) { try scan(bytes).pixels(fitting: edge) }
        }
        #expect(bitmaps[0] == bitmaps[1])
      }
    }
  }

  /// Everything that a result says.
  private static func text(_ result: Result<PreparedImage, any Error>) -> String {
    switch result {
    case .success(let image): return "\(image.report) \(image.bytes)"
    case .failure(let error): return "\(error)"
    }
  }

  @Test(.enabled(if: SlowTests.areWanted))
  func `a thousand decoders that were taken over leave no process`() throws {
    let pool = Self.pool()
    defer { pool.stop() }
    try pool.becomeReady()
    for number in 0..<1_000 {
      let fault = Self.faults[number % Self.faults.count]
      #expect(failure { _ = try Self.prepare(TinyScan.planted(fault), in: pool) } != nil)
    }
    #expect(pool.processes.count <= 1)
  }
}
