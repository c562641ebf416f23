import IntakeCore
import Synchronization

/// The rows of a manifest, read one by one as they are asked for.
final class ManifestRows<Reader: RowReader & ~Copyable>: RowSource {
  private let reader: Mutex<Reader>
  private let builder: RowBuilder
  private let further: [String]

  /// Takes a reader that stands before its first row, and what is to be told besides its own notices.
  init(_ reader: consuming sending Reader, builder: RowBuilder, notices: [String]) {
    self.reader = Mutex(reader)
    self.builder = builder
    further = notices
  }

  func next() async throws -> LoadedRow? {
    try reader.withLock { try $0.next() }.map(builder.row)
  }

  var notices: [String] { further + reader.withLock { $0.notices } }
  var warnings: [String] { reader.withLock { $0.warnings } }
}
