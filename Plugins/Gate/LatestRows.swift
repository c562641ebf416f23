import IntakeCore
import Synchronization

/// The fingerprints of the sides that were looked at last, to be compared with their other sides.
final class LatestRows: Sendable {
  /// Both sides of a row are prepared one after the other by one of at most 256 workers: 40 KB cover twice that.
  private static let capacity = 1_024

  private let entries = Mutex<[(place: PicturePlace, print: PicturePrint)]>([])

  /// In how many bits the print differs from that of the row's other side, nil while that is not known.
  func distance(of print: PicturePrint, at place: PicturePlace) -> Int? {
    entries.withLock { entries in
      entries.removeAll { $0.place == place }
      if entries.count >= Self.capacity { entries.removeFirst(Self.capacity / 2) }
      entries.append((place, print))
      let other = entries.last { $0.place.line == place.line && $0.place.side != place.side }
      return other?.print.distance(to: print)
    }
  }
}
