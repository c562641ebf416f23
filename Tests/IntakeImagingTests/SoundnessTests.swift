import IntakeCore
import TestSupport
import Testing

@testable import IntakeImaging

/// The walk over codes: what it calls sound, a decoder must take without a word, and it must know what is common.
struct SoundnessTests {
  private static let limits = {
    var limits = ImageLimits()
    limits.maximumPixels = 100_000
    return limits
  }()

  private static func isSound(_ bytes: [UInt8]) -> Bool {
    JPEGDecoding.isSound(bytes, limits: limits)
  }

  /// What the decoder has to say, nil for nothing.
  private static func word(on bytes: [UInt8]) -> String? {
    do {
      let strays = try JPEGDecoding.strayBytes(in: bytes, limits: limits)
      return strays == 0 ? nil : "\(strays) stray bytes"
    } catch {
      return error.detail
    }
  }

  private static let known = [
    "420", "422", "440", "444", "busy", "busy-progressive", "gray", "multiscan", "odd-420",
    "odd-gray-2x2", "progressive", "progressive-tall", "restart", "rgb", "rgb-ids", "uneven",
    "coarse-luma",
  ]

  @Test(arguments: known)
  func `what passes through is sound`(_ name: String) throws {
    let prepared = try ImageShrinker().prepare(try scan(fixture(name)))
    #expect(prepared.report.method == .passthrough)
    #expect(Self.isSound(prepared.bytes))
    #expect(Self.word(on: prepared.bytes) == nil)
  }

  @Test(arguments: [(8, 8), (16, 16), (17, 33), (300, 1), (250, 180)], [1, 50, 85, 100])
  func `what the encoder writes is sound`(_ size: (Int, Int), _ quality: Int) throws {
    for bitmap in [noise(size.0, size.1), document(size.0, size.1)] {
      let gray = Bitmap(luma: bitmap.luma)
      #expect(Self.isSound(try jpeg(of: bitmap, quality: quality)))
      #expect(Self.isSound(try jpeg(of: gray, quality: quality)))
    }
  }

  @Test(arguments: ["arithmetic", "411", "131", "cmyk", "ycck-adobe"])
  func `what is rare is left for the decoder`(_ name: String) throws {
    #expect(!Self.isSound(try fixture(name)))
  }

  /// Each makes a sound file one that a decoder has a word about, or that isn't as the standard has it.
  private static var faults: [(name: String, edit: (inout Mutant) -> Void)] {
    [
      ("no end", { $0.bytes.removeLast(2) }),
      ("a byte behind the end", { $0.bytes.append(0) }),
      ("a byte too few", { $0.bytes.remove(at: $0.scans[0].extent.upperBound - 1) }),
      ("a byte too many", { $0.bytes.insert(0x55, at: $0.scans[0].extent.upperBound) }),
      ("no data", { $0.bytes.removeSubrange($0.data(of: 0)) }),
      ("a restart of another number", { $0.bytes[$0.restarts[1] + 1] ^= 1 }),
      ("a restart too few", { $0.bytes.removeSubrange($0.restarts[1]..<($0.restarts[1] + 2)) }),
      ("a restart too many", { $0.insert([0xFF, 0xD2], at: $0.scans[0].extent.upperBound) }),
      ("a byte before a restart", { $0.bytes.insert(0, at: $0.restarts[1]) }),
      ("another interval", { $0.bytes[$0.payload(0xDD) + 1] += 1 }),
      ("the last scan missing", { $0.bytes.removeSubrange($0.scans[$0.scans.count - 1].extent) }),
      (
        "a scan twice",
        { $0.insert($0.bytes[$0.scans[1].extent], at: $0.scans[1].extent.upperBound) }
      ),
      ("a refinement of another bit", { $0.bytes[$0.scans[5].payload.upperBound - 1] = 0x32 }),
      ("no quantizers", { $0.remove(0xDB) }),
      ("no codes", { $0.remove(0xC4) }),
      ("a code of ones alone", { $0.bytes[$0.payload(0xC4) + 1] = 2 }),
      ("12 bits", { $0.bytes[$0.payload(0xC2)] = 12 }),
      ("more rows", { $0.bytes[$0.payload(0xC2) + 1] = 1 }),
      (
        "components in another order",
        { mutant in
          let names = mutant.scans[0].payload.lowerBound
          mutant.bytes.swapAt(names + 3, names + 5)
        }
      ),
      ("a component that isn't there", { $0.bytes[$0.scans[0].payload.lowerBound + 1] = 77 }),
      ("a sequential frame", { $0.bytes[$0.payload(0xC2) - 3] = 0xC0 }),
    ]
  }

  @Test(arguments: faults.map(\.name))
  func `a fault is never sound`(_ name: String) throws {
    var mutant = Mutant(try fixture("busy-progressive"))
    #expect(Self.isSound(mutant.bytes))
    for fault in Self.faults where fault.name == name { fault.edit(&mutant) }
    #expect(!Self.isSound(mutant.bytes))
  }

  @Test func `limits are the decoder's`() throws {
    let bytes = try fixture("busy-progressive")
    for edit: (inout ImageLimits) -> Void in [
      { $0.maximumScans = 9 }, { $0.maximumSide = 55 }, { $0.maximumPixels = 2_239 },
      { $0.maximumDecoderMemory = 1 << 20 },
    ] {
      var limits = Self.limits
      edit(&limits)
      #expect(!JPEGDecoding.isSound(bytes, limits: limits))
    }
  }

  @Test(.timeLimit(.minutes(20)), arguments: known)
  func `a decoder has no word about what is sound, however a file is broken`(_ name: String) throws
  {
    let whole = try fixture(name)
    var random = SeededRandom(seed: name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
    var sound = 0
    let rounds = SlowTests.size("DOCINTAKE_MUTATIONS", otherwise: 1_500)
    for round in 0..<rounds {
      var mutant = Mutant(whole)
      for _ in 0...(round % 3) { mutant.breakSomething(&random) }
      guard Self.isSound(mutant.bytes) else { continue }
      sound += 1
      let word = Self.word(on: mutant.bytes)
      #expect(word == nil, "\(name), round \(round)")
    }
    // Bytes of metadata and quantizers, and the bits of magnitudes, may be any: were none of it sound, this would
    // prove nothing.
    #expect(sound > rounds / 50)
  }
}

/// A JPEG on its way to be broken.
private struct Mutant {
  var bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private var segments: [JPEGStructure.Segment] {
    (try? JPEGStructure(bytes, limits: ImageLimits()))?.segments ?? []
  }

  var scans: [JPEGStructure.Segment] { segments.filter { $0.marker == 0xDA } }

  var restarts: [Int] {
    bytes.indices.dropLast().filter { bytes[$0] == 0xFF && bytes[$0 + 1] & 0xF8 == 0xD0 }
  }

  func data(of scan: Int) -> Range<Int> {
    scans[scan].payload.upperBound..<scans[scan].extent.upperBound
  }

  /// Where the content of the first segment of that marker begins.
  func payload(_ marker: UInt8) -> Int {
    segments.first { $0.marker == marker }?.payload.lowerBound ?? 4
  }

  mutating func remove(_ marker: UInt8) {
    for segment in segments.reversed() where segment.marker == marker {
      bytes.removeSubrange(segment.extent)
    }
  }

  mutating func insert(_ part: some Collection<UInt8>, at place: Int) {
    bytes.insert(contentsOf: Array(part), at: place)
  }

  /// One of the ways in which files break, at a place of chance.
  mutating func breakSomething(_ random: inout SeededRandom) {
    guard bytes.count > 8 else { return }
    let place = Int.random(in: 2..<bytes.count, using: &random)
    let value = UInt8.random(in: 0...255, using: &random)
    switch Int.random(in: 0..<16, using: &random) {
    case 0, 1: bytes[place] ^= 1 << (value & 7)
    case 2: bytes[place] = value
    case 3: bytes.remove(at: place)
    case 4: bytes.insert(value, at: place)
    case 5: bytes.removeSubrange(place...)
    case 6: bytes = bytes[..<place] + [0xFF, 0xD9]
    case 7: insert([0xFF, 0xD0 | value & 7], at: place)
    case 8, 9: breakRestart(value, &random)
    default: breakSegment(value, &random)
    }
  }

  private mutating func breakRestart(_ value: UInt8, _ random: inout SeededRandom) {
    guard let restart = restarts.randomElement(using: &random) else { return }
    switch value % 3 {
    case 0: bytes[restart + 1] = 0xD0 | value >> 5
    case 1: bytes.removeSubrange(restart..<(restart + 2))
    default: bytes.swapAt(restart - 1, restart + 1)
    }
  }

  private mutating func breakSegment(_ value: UInt8, _ random: inout SeededRandom) {
    let segments = segments
    guard let segment = segments.randomElement(using: &random), !segment.payload.isEmpty,
      let other = segments.randomElement(using: &random),
      let place = segment.payload.randomElement(using: &random)
    else { return }
    switch value & 7 {
    case 0, 1: bytes[place] = value >> 3
    case 2: bytes[place] ^= 1 << (value >> 5)
    case 3: bytes[place] &+= 1
    case 4: bytes.removeSubrange(segment.extent)
    case 5: insert(bytes[segment.extent], at: other.extent.lowerBound)
    case 6 where segment.marker == 0xDA && segment.extent.upperBound > segment.payload.upperBound:
      let data = segment.payload.upperBound..<segment.extent.upperBound
      if let place = data.randomElement(using: &random) { bytes[place] ^= 1 << (value >> 5) }
    default: insert([0xFF, 0xDD, 0, 4, 0, value >> 4], at: segment.extent.lowerBound)
    }
  }
}
