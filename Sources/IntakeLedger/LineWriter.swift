package import IntakeCore
import IntakeSystem

/// Appends lines to a ledger and knows how many of them are on disk.
///
/// Not safe for use from several threads; one owns it. After an error that leaves the file in an unknown state
/// it writes nothing more.
package struct LineWriter {
  private let file: any JournalFile
  private var tip: LedgerTip
  private var synced: Int
  private var reservedEnd = 0
  private let isSynchronized: Bool
  /// Why nothing more is written.
  private(set) var failure: JournalError?

  /// Bytes that are reserved at once: some 200 rows, so that it costs one call in 200.
  private static let reserve = 256 << 10
  /// Bytes that the outcome of a row takes at most; the longest that the words' limits allow is some 600.
  static let outcomeRoom = 1024

  /// Continues a file whose lines so far are on disk.
  package init(_ file: any JournalFile, at tip: LedgerTip, isSynchronized: Bool = true) {
    self.file = file
    self.tip = tip
    self.isSynchronized = isSynchronized
    synced = tip.count
  }

  /// Refuses to go on when the file was deleted, renamed or replaced: what is written to it would be lost.
  mutating func checkPlace() throws(JournalError) {
    if let failure { throw failure }
    let isInPlace: Bool
    do throws(SystemCallFailure) {
      isInPlace = try file.isInPlace()
    } catch {
      throw fail("cannot be found any more (\(error)): nothing more is sent; check the disk")
    }
    guard !isInPlace else { return }
    throw fail(
      "was deleted, renamed or replaced while it was in use: nothing more is sent; put it back and run again"
    )
  }

  /// Makes sure that the disk has room for so many bytes behind the end.
  mutating func reserve(_ count: Int) throws(JournalError) {
    if let failure { throw failure }
    guard tip.end + count > reservedEnd else { return }
    do throws(SystemCallFailure) {
      do throws(SystemCallFailure) {
        try reserve(upTo: tip.end + count + LineWriter.reserve)
      } catch {
        guard error.isOutOfSpace else { throw error }
        try reserve(upTo: tip.end + count)
      }
    } catch {
      throw unwritable(error)
    }
  }

  private mutating func reserve(upTo end: Int) throws(SystemCallFailure) {
    try file.reserve(tip.end..<end)
    reservedEnd = end
  }

  /// Writes one line, on disk only after `synchronize()`, and returns where it begins.
  package mutating func append(_ record: LedgerRecord) throws(JournalError) -> Int {
    if let failure { throw failure }
    let line = record.line(number: tip.count, synced: synced, after: tip.checksum)
    guard line.bytes.count <= LineFormat.limit else {
      throw JournalError("a ledger line of \(line.bytes.count) bytes is over \(LineFormat.limit)")
    }
    do throws(SystemCallFailure) {
      try file.append(line.bytes)
    } catch {
      try takeBack(error)
    }
    let offset = tip.end
    tip.advance(by: line.bytes.count, checksum: line.checksum)
    return offset
  }

  /// Removes the half of a line that a full disk left.
  private mutating func takeBack(_ error: SystemCallFailure) throws(JournalError) {
    do throws(SystemCallFailure) {
      try file.truncate(to: tip.end)
      // The cut has to be on disk before the next line goes to the same place.
      try file.synchronize()
      (reservedEnd, synced) = (0, tip.count)
    } catch {
      throw fail("could neither be written nor cut back (\(error)): check the disk and run again")
    }
    throw unwritable(error)
  }

  /// Returns when every line is on disk; after a failure the ledger is not written again.
  package mutating func synchronize() throws(JournalError) {
    if let failure { throw failure }
    guard synced < tip.count else { return }
    guard isSynchronized else {
      synced = tip.count
      return
    }
    do throws(SystemCallFailure) {
      try file.synchronize()
    } catch {
      throw fail(
        "could not be written to disk (\(error)): nothing more is sent; check the disk and run again"
      )
    }
    synced = tip.count
  }

  /// Gives back the space that was reserved and not used.
  mutating func release() {
    guard failure == nil, reservedEnd > tip.end else { return }
    // Only space is at stake: an error here changes nothing about what the ledger says.
    try? file.truncate(to: tip.end)
    reservedEnd = 0
  }

  private func unwritable(_ error: SystemCallFailure) -> JournalError {
    JournalError(
      "ledger \(file.path) cannot grow (\(error)): nothing more is sent; \(error.nextStep)")
  }

  private mutating func fail(_ reason: String) -> JournalError {
    let error = JournalError("ledger \(file.path) \(reason)")
    failure = error
    return error
  }
}
