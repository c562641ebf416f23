import IntakeCore
import IntakeSystem

/// The way to a ledger's file: made where it is missing, refused where it is not fit, locked.
enum LedgerFile {
  /// Opens the file for appending, or makes it, and locks it.
  static func openLocked(_ path: String) throws(JournalError) -> AppendOnlyFile {
    let file = try JournalError.explaining("ledger \(path) cannot be opened") {
      () throws(SystemCallFailure) in try openOrCreate(path)
    }
    try checkPermissions(of: file)
    let isOurs = try JournalError.explaining("ledger \(path) cannot be locked") {
      () throws(SystemCallFailure) in try file.lock()
    }
    guard isOurs else { throw inUse(file) }
    // Between opening and locking, another process may have replaced the file (`ledger prune`).
    let isInPlace = try JournalError.explaining("ledger \(path) cannot be locked") {
      () throws(SystemCallFailure) in try file.isInPlace()
    }
    guard isInPlace else {
      throw JournalError(
        "ledger \(path) was replaced while it was being opened: run the same command again")
    }
    return file
  }

  private static func openOrCreate(_ path: String) throws(SystemCallFailure) -> AppendOnlyFile {
    if DurableFile.exists(path) { return try AppendOnlyFile.open(path, .appending) }
    try DurableFile.makeFolder(DurableFile.folder(of: path))
    do throws(SystemCallFailure) {
      let file = try AppendOnlyFile.open(path, .creating)
      try DurableFile.synchronizeFolder(of: path)
      return file
    } catch {
      guard error.code == SystemCallFailure.exists else { throw error }
      return try AppendOnlyFile.open(path, .appending)
    }
  }

  /// The administrator may write to any file; that does not mean that its owner wants it.
  private static func checkPermissions(of file: AppendOnlyFile) throws(JournalError) {
    let bits = try JournalError.explaining("ledger \(file.path) cannot be opened") {
      () throws(SystemCallFailure) in try file.permissions()
    }
    guard bits & 0o200 != 0 else {
      throw JournalError(
        "ledger \(file.path) is read-only: run `chmod u+w` on it, or name another ledger")
    }
    guard bits & 0o022 == 0 else {
      throw JournalError(
        "ledger \(file.path) can be written by others: run `chmod 600` on it and start again")
    }
  }

  /// Names the process that has the ledger, from the last line that a run wrote when it opened it.
  private static func inUse(_ file: AppendOnlyFile) -> JournalError {
    var reader = LineReader(file)
    var parser = LineParser()
    var holder: LedgerRecord?
    while let line = try? reader.next() {
      // Only the few lines of this kind are parsed; the kind stands among the first 64 bytes.
      guard reader.buffer[line.range.prefix(64)].contains(subsequence: LedgerFile.openKind),
        parser.parse(reader.buffer, line.range)
      else { continue }
      holder = LedgerRecord(parser, reader.buffer) ?? holder
    }
    let process = holder?.process.map { "process \($0)" } ?? "another process"
    let host = holder?.host.map { " on \($0)" } ?? ""
    let since = holder.map { " since \($0.time)" } ?? ""
    return JournalError(
      "ledger \(file.path) is in use by \(process)\(host)\(since): wait for it, or give this run another ledger"
    )
  }

  private static let openKind = Array("\"t\":\"open\"".utf8)
}

extension ArraySlice<UInt8> {
  fileprivate func contains(subsequence: [UInt8]) -> Bool {
    guard count >= subsequence.count else { return false }
    return (startIndex...endIndex - subsequence.count).contains {
      self[$0..<$0 + subsequence.count].elementsEqual(subsequence)
    }
  }
}
