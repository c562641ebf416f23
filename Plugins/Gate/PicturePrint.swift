import IntakeCore

/// A picture's fingerprint: 256 bits that stay the same when it is saved again or resized.
///
/// The picture is averaged to 17 × 16 fields; a bit says whether a field is clearly brighter than its right
/// neighbour (a difference hash). Differences of up to 2 levels don't count because they are noise on bare paper.
///
/// It distinguishes the sides of a document, not its owners: of 24 cards of one pattern with one face, the nearest two
/// differ in 2 to 11 bits, and one card saved again differs from itself in 0 to 5. Finer prints (512 to 1,024 bits)
/// were no better, so pictures of different rows are compared pixel for pixel.
struct PicturePrint: Sendable, Equatable {
  private let words: SIMD4<UInt64>

  private static let columns = 17
  private static let rows = 16
  private static let leastStep = 3
  /// Fewer bits are a blank page, which looks like every other.
  private static let leastBits = 20

  /// The print of a picture; nil where there is too little to recognise it by.
  init?(_ luma: Plane) {
    guard luma.width >= Self.columns, luma.height >= Self.rows else { return nil }
    let fields = Self.fields(of: luma)
    var words = SIMD4<UInt64>()
    for row in 0..<Self.rows {
      for column in 0..<(Self.columns - 1) {
        let place = row * Self.columns + column
        guard fields[place] >= fields[place + 1] + Self.leastStep else { continue }
        let bit = row * (Self.columns - 1) + column
        words[bit / 64] |= 1 << UInt64(bit % 64)
      }
    }
    self.words = words
    guard Self.bits(words) >= Self.leastBits else { return nil }
  }

  /// How many bits differ.
  func distance(to other: PicturePrint) -> Int { Self.bits(words ^ other.words) }

  private static func bits(_ words: SIMD4<UInt64>) -> Int {
    words.indices.reduce(0) { $0 + words[$1].nonzeroBitCount }
  }

  /// The average of each field, row by row.
  private static func fields(of luma: Plane) -> [Int] {
    var fields: [Int] = []
    fields.reserveCapacity(rows * columns)
    luma.samples.withUnsafeBufferPointer { samples in
      for row in 0..<rows {
        let lines = (luma.height * row / rows)..<(luma.height * (row + 1) / rows)
        for column in 0..<columns {
          let places = (luma.width * column / columns)..<(luma.width * (column + 1) / columns)
          var sum = 0
          for y in lines {
            for x in places { sum += Int(samples[y * luma.width + x]) }
          }
          fields.append(sum / (lines.count * places.count))
        }
      }
    }
    return fields
  }
}

/// Shows whether two pictures have the very same pixels, in 8 bytes.
///
/// It is SipHash with a key of the run's own: a million pictures collide by chance once in 10^7 runs, and nobody can
/// make two that do.
struct PictureDigest: Sendable, Equatable {
  private let value: Int

  init(_ luma: Plane) {
    var hasher = Hasher()
    hasher.combine(luma.width)
    luma.samples.withUnsafeBytes { hasher.combine(bytes: $0) }
    value = hasher.finalize()
  }
}
