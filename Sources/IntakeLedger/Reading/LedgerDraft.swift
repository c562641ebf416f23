import IntakeCore
import IntakeSystem

/// A new ledger under another name, written in large pieces and given its real name when it is whole on disk.
struct LedgerDraft {
  private let file: AppendOnlyFile
  private var tip = LedgerTip()
  private var buffer: [UInt8] = []

  /// Starts a file beside the final one; what a crash left of an earlier draft is replaced.
  init(for path: String) throws(JournalError) {
    file = try JournalError.explaining("a new file beside ledger \(path) cannot be written") {
      () throws(SystemCallFailure) in
      let draft = path + ".draft"
      try DurableFile.remove(draft)
      return try AppendOnlyFile.open(draft, .creating)
    }
  }

  /// Lines so far.
  var count: Int { tip.count }

  /// Adds a line with the next number; when the file gets its name, all of it is on disk.
  mutating func add(_ record: LedgerRecord) throws(JournalError) {
    let line = LineBuilder.line(
      record, number: tip.count, synced: tip.count, after: tip.checksum)
    tip.advance(by: line.bytes.count, checksum: line.checksum)
    buffer += line.bytes
    if buffer.count >= LineReader.chunk { try flush() }
  }

  /// Gives the file its name; an old ledger of that name is replaced at that instant.
  consuming func publish(as path: String) throws(JournalError) {
    try flush()
    try JournalError.explaining("ledger \(path) cannot be replaced") {
      () throws(SystemCallFailure) in
      try file.synchronize()
      try DurableFile.rename(file.path, to: path)
    }
  }

  /// Removes the file again.
  func discard() { try? DurableFile.remove(file.path) }

  private mutating func flush() throws(JournalError) {
    let bytes = buffer
    buffer.removeAll(keepingCapacity: true)
    try JournalError.explaining("the new ledger \(file.path) cannot be written") {
      () throws(SystemCallFailure) in try file.append(bytes)
    }
  }
}
