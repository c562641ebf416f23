import IntakeCore
import IntakeSystem

/// Cuts what a crash left at the end of a ledger, and keeps it aside.
enum LedgerRepair {
  /// Cuts everything behind the last good line.
  ///
  /// The bytes are on disk under another name before they are cut; a crash in between leaves both.
  ///
  /// - Returns: what to tell the operator; empty when there was nothing to cut.
  static func cutTornEnd(
    of file: any JournalFile, after tip: LedgerTip
  ) throws(JournalError) -> [String] {
    try JournalError.explaining("the torn end of ledger \(file.path) cannot be repaired") {
      () throws(SystemCallFailure) in
      let size = try file.size()
      guard size > tip.end else { return [] }
      let copy = try keepAside(file, tip.end..<size)
      try file.truncate(to: tip.end)
      try file.synchronize()
      return [
        "the ledger ended in the middle of line \(tip.count + 1), as a crash leaves it: the unfinished "
          + "\(size - tip.end) bytes were moved to \(copy)"
      ]
    }
  }

  private static func keepAside(
    _ file: any JournalFile, _ range: Range<Int>
  ) throws(SystemCallFailure) -> String {
    var number = 1
    while DurableFile.exists("\(file.path).torn-\(number)") { number += 1 }
    let path = "\(file.path).torn-\(number)"
    let copy = try AppendOnlyFile.open(path, .creating)
    var offset = range.lowerBound
    while offset < range.upperBound {
      let bytes = try file.read(
        at: offset, count: min(LineReader.chunk, range.upperBound - offset))
      guard !bytes.isEmpty else { break }
      try copy.append(bytes)
      offset += bytes.count
    }
    try copy.synchronize()
    try DurableFile.synchronizeFolder(of: path)
    return path
  }
}
