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

/// What the latest pictures of a run look like to the pixel, in a ring that never grows beyond its capacity.
///
/// It is searched from end to end: half a million entries are 8 MB and take a tenth of a millisecond, nothing
/// beside the decode of the picture; an index would cost three times the memory.
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

  /// The picture of another row with the very same pixels; this one is remembered.
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

/// The fingerprints and digests of the sides that were looked at last, to be compared with their other sides.
final class LatestRows: Sendable {
  /// Both sides of a row are prepared one after the other by one of at most 256 workers: 40 KB cover twice that.
  private static let capacity = 1_024

  private struct Entry {
    let place: PicturePlace
    let digest: PictureDigest
    let print: PicturePrint?
  }

  private let entries = Mutex<[Entry]>([])

  /// In how many bits the print differs from that of the row's other side, nil while that cannot be known.
  ///
  /// The same pixels differ in none, also where a page has too little on it to have a print.
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
