import IntakeCore
import Synchronization

/// Whose picture it is, in 8 bytes.
struct PicturePlace: Sendable, Hashable {
  /// Twice the line, plus one for a back.
  private let code: Int

  init(line: Int, side: Side) { code = line << 1 | (side == .back ? 1 : 0) }

  var line: Int { code >> 1 }
  var side: Side { code & 1 == 1 ? .back : .front }
}

/// The digests of a run's latest pictures, in a ring of fixed capacity.
///
/// It is searched from end to end: half a million entries are 8 MB and take a tenth of a millisecond, nothing beside
/// decoding; an index would cost three times the memory.
final class SeenPictures: Sendable {
  private struct Ring {
    var digests: [PictureDigest] = []
    var owners: [PicturePlace] = []
    var next = 0

    mutating func remember(_ digest: PictureDigest, _ owner: PicturePlace, capacity: Int) {
      guard digests.count == capacity else {
        digests.append(digest)
        owners.append(owner)
        return
      }
      digests[next] = digest
      owners[next] = owner
      next = (next + 1) % capacity
    }
  }

  private let capacity: Int
  private let ring = Mutex(Ring())

  init(capacity: Int) { self.capacity = capacity }

  /// The picture of another row with the same pixels; remembers this one.
  func twin(of digest: PictureDigest, at place: PicturePlace) -> PicturePlace? {
    ring.withLock { ring in
      var twin: PicturePlace?
      var start = ring.digests.startIndex
      while let index = ring.digests[start...].firstIndex(of: digest) {
        let owner = ring.owners[index]
        // A side comes twice when it is prepared again for a larger share of the bytes.
        if owner == place { return twin }
        if owner.line != place.line { twin = twin ?? owner }
        start = index + 1
      }
      ring.remember(digest, place, capacity: capacity)
      return twin
    }
  }
}

/// The fingerprints and digests of the latest sides, for comparison with the other sides of their rows.
final class LatestRows: Sendable {
  /// Both sides of a row are prepared one after the other by one of at most 256 workers: 40 KB cover twice that.
  private static let capacity = 1_024

  private struct Entry {
    let place: PicturePlace
    let digest: PictureDigest
    let print: PicturePrint?
  }

  private let entries = Mutex<[Entry]>([])

  /// In how many bits the print differs from that of the row's other side; nil if that can't be known (yet).
  ///
  /// It is 0 for the same pixels, even if a page has too little on it for a print.
  func distance(of print: PicturePrint?, _ digest: PictureDigest, at place: PicturePlace) -> Int? {
    entries.withLock { entries in
      entries.removeAll { $0.place == place }
      if entries.count >= Self.capacity { entries.removeFirst(Self.capacity / 2) }
      entries.append(Entry(place: place, digest: digest, print: print))
      let other = entries.last { $0.place.line == place.line && $0.place.side != place.side }
      guard let other else { return nil }
      if other.digest == digest { return 0 }
      guard let print else { return nil }
      return other.print?.distance(to: print)
    }
  }
}

/// A picture's fingerprint: 256 bits that stay the same when it is saved again or resized.
///
/// The picture is averaged to 17 × 16 fields; a bit is set if a field is clearly brighter than its right neighbour (a
/// difference hash). Differences of up to 2 levels don't count because they are noise on bare paper.
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

  func distance(to other: PicturePrint) -> Int { Self.bits(words ^ other.words) }

  private static func bits(_ words: SIMD4<UInt64>) -> Int {
    words.indices.reduce(0) { $0 + words[$1].nonzeroBitCount }
  }

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
