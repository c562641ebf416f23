import IntakeCore
import Synchronization

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

  /// In how many bits the print differs from that of the row's other side, nil while that cannot be told.
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
