import IntakeCore
import Synchronization

/// Whose picture it is.
struct PicturePlace: Sendable, Hashable {
  let line: Int
  let side: Side

  init(line: Int, side: Side) {
    self.line = line
    self.side = side
  }

  /// Twice the line, plus one for a back.
  fileprivate var code: Int { line << 1 | (side == .back ? 1 : 0) }

  fileprivate init(code: Int) {
    self.init(line: code >> 1, side: code & 1 == 1 ? .back : .front)
  }
}

/// What the latest pictures of a run look like to the pixel, in a ring that never grows beyond its capacity.
///
/// It is searched from end to end: half a million entries are 8 MB and take a tenth of a millisecond, nothing
/// beside the decode of the picture; an index would cost three times the memory.
final class SeenPictures: Sendable {
  private struct Ring {
    var digests: [Int] = []
    var owners: [Int] = []
    var next = 0
  }

  private let capacity: Int
  private let ring = Mutex(Ring())

  init(capacity: Int) { self.capacity = capacity }

  /// The picture of another row with the very same pixels; this one is remembered.
  func twin(of digest: PictureDigest, at place: PicturePlace) -> PicturePlace? {
    let digest = digest.value
    return ring.withLock { ring in
      var twin: PicturePlace?
      var start = ring.digests.startIndex
      while let index = ring.digests[start...].firstIndex(of: digest) {
        let owner = PicturePlace(code: ring.owners[index])
        // A side comes twice when it is prepared anew for a larger share of the bytes.
        if owner == place { return twin }
        if owner.line != place.line { twin = twin ?? owner }
        start = index + 1
      }
      remember(digest, place.code, in: &ring)
      return twin
    }
  }

  private func remember(_ digest: Int, _ owner: Int, in ring: inout Ring) {
    guard ring.digests.count == capacity else {
      ring.digests.append(digest)
      ring.owners.append(owner)
      return
    }
    ring.digests[ring.next] = digest
    ring.owners[ring.next] = owner
    ring.next = (ring.next + 1) % capacity
  }
}
