import IntakeCore
package import IntakeSystem

/// What a ledger needs of its file, an `AppendOnlyFile`, which documents each of these.
///
/// Tests put a file in its place that loses, tears and reorders what was not synchronised.
package protocol JournalFile: Sendable {
  var path: String { get }
  var isRemote: Bool { get }
  func size() throws(SystemCallFailure) -> Int
  func read(at offset: Int, count: Int) throws(SystemCallFailure) -> [UInt8]
  func append(_ bytes: [UInt8]) throws(SystemCallFailure)
  func synchronize() throws(SystemCallFailure)
  func truncate(to size: Int) throws(SystemCallFailure)
  func reserve(_ range: Range<Int>) throws(SystemCallFailure)
  func isInPlace() throws(SystemCallFailure) -> Bool
  func unlock()
}

extension AppendOnlyFile: JournalFile {}

/// How a ledger's file is opened: created when missing, refused when unsafe, locked, repaired.
enum LedgerFile {
  /// Opens or creates the file for appending, and locks it.
  static func openLocked(_ path: String) throws(JournalError) -> AppendOnlyFile {
    let file = try openForWriting(path)
    try lock(file)
    return file
  }

  /// Locks the ledger of a run, and shares the locks of those that it consults: all of them or none.
  ///
  /// Every process takes them in one order: of two runs that consult each other's ledgers, one gets all it needs.
  static func openLocked(
    _ path: String, consulting list: () -> [String]
  ) throws(JournalError) -> (own: AppendOnlyFile, others: [AppendOnlyFile]) {
    while true {
      let own = try openForWriting(path)
      let place = try identity(of: own)
      let paths = list()
      let others = try paths.map { path throws(JournalError) in
        try ConsultedLedger.explaining { () throws(JournalError) in
          let file = try openForReading(path)
          return (file, place: try identity(of: file))
        }
      }.filter { $0.place != place }
      for (file, position) in (others + [(own, place)]).sorted(by: { $0.place < $1.place }) {
        if position == place {
          try lock(own)
        } else {
          try ConsultedLedger.explaining { () throws(JournalError) in try lock(file, shared: true) }
        }
      }
      // Another run may have made a ledger before this one had the lock of its own.
      guard Set(list()).isSubset(of: paths) else { continue }
      return (own, others.map(\.0))
    }
  }

  private static func openForWriting(_ path: String) throws(JournalError) -> AppendOnlyFile {
    let file = try JournalError.explaining(
      "ledger \(path) cannot be opened", try openOrCreate(path))
    try checkPermissions(of: file)
    return file
  }

  private static func lock(_ file: AppendOnlyFile, shared: Bool = false) throws(JournalError) {
    let (isOurs, isInPlace) = try JournalError.explaining(
      "ledger \(file.path) cannot be locked", (try file.lock(shared: shared), try file.isInPlace()))
    guard isOurs else { throw inUse(file) }
    // Between opening and locking, another process may have replaced the file (`ledger prune`).
    guard isInPlace else {
      throw JournalError(
        "ledger \(file.path) was replaced while it was being opened: run the same command again")
    }
  }

  private static func identity(of file: AppendOnlyFile) throws(JournalError) -> FileIdentity {
    try JournalError.explaining("ledger \(file.path) cannot be opened", try file.identity())
  }

  /// Opens a file that is only read.
  static func openForReading(_ path: String) throws(JournalError) -> AppendOnlyFile {
    try JournalError.explaining(
      "ledger \(path) cannot be read", try AppendOnlyFile.open(path, .reading))
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

  /// The system lets an administrator write to a file that its owner has made read-only.
  private static func checkPermissions(of file: AppendOnlyFile) throws(JournalError) {
    let bits = try JournalError.explaining(
      "ledger \(file.path) cannot be opened", try file.permissions())
    guard bits & 0o200 != 0 else {
      throw JournalError(
        "ledger \(file.path) is read-only: run `chmod u+w` on it, or name another ledger")
    }
    guard bits & 0o022 == 0 else {
      throw JournalError(
        "ledger \(file.path) can be written by others: run `chmod 600` on it and start again")
    }
  }

  /// Names the process that has the ledger, from the last line that a run wrote when it opened it; where that run has
  /// ended, another one reads the ledger, and nothing says which.
  private static func inUse(_ file: AppendOnlyFile) -> JournalError {
    var reader = LineReader(file)
    var parser = LineParser()
    var holder: LedgerRecord?
    while let line = try? reader.next() {
      // Only the few lines of this kind are parsed; the kind stands among the first 64 bytes.
      let start = reader.buffer[line.range.prefix(64)]
      if start.contains(closeKind) { holder = nil }
      guard start.contains(openKind) else { continue }
      let buffer = reader.buffer
      let bytes = buffer.span.extracting(line.range)
      if parser.parse(bytes) { holder = LedgerRecord(parser, bytes) ?? holder }
    }
    let process = holder?.process.map { "process \($0)" } ?? "another process"
    let host = holder?.host.map { " on \($0)" } ?? ""
    let since = holder.map { " since \($0.time.rfc3339)" } ?? ""
    // Not a word of another ledger: it would know nobody, and everybody would be sent again.
    return JournalError(
      "ledger \(file.path) is in use by \(process)\(host)\(since): wait until that has ended; a run waits by itself "
        + "with --wait-for-ledger DURATION", isInUse: true)
  }

  private static let openKind = Array("\"t\":\"open\"".utf8)
  private static let closeKind = Array("\"t\":\"close\"".utf8)
}

// What is in the file.
extension LedgerFile {
  /// What the first line of every ledger begins with.
  private static let start = LineFormat.prefix() + Array("0,\"s\":0,\"t\":\"open\"".utf8)

  /// Refuses a file that doesn't begin as a ledger does; an empty one is a new ledger.
  ///
  /// Half of the bytes have to agree, place by place: a disk that damages a ledger leaves more of it, and a
  /// manifest in JSON Lines has no more than the first two in common with one.
  static func checkKind(of file: any JournalFile) throws(JournalError) {
    let bytes = try JournalError.explaining(
      "ledger \(file.path) cannot be read", try file.read(at: 0, count: start.count))
    let expected = start.prefix(bytes.count)
    // A power cut leaves zeros where a block was never written.
    let alike = zip(bytes, expected).count { $0 == $1 || $0 == 0 }
    guard 2 * alike < expected.count else { return }
    throw JournalError(
      "\(file.path) isn't a ledger: name the file that an earlier run gave as its ledger, or one that "
        + "doesn't exist yet", line: 1)
  }

  /// Moves what a crash left behind the last good line to a file of its own.
  ///
  /// The bytes are on disk there before they are cut here; a crash in between leaves both.
  ///
  /// - Returns: what the operator should know; empty when there was nothing to cut.
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
    try DurableFile.create(path) { (copy) throws(SystemCallFailure) in
      for offset in stride(from: range.lowerBound, to: range.upperBound, by: LineReader.chunk) {
        let count = min(LineReader.chunk, range.upperBound - offset)
        try copy.append(file.read(at: offset, count: count))
      }
    }
    return path
  }
}

extension JournalError {
  static let noThread = JournalError("no thread can be started for the ledger: raise `ulimit -u`")

  /// Runs a system call; an error says what it means for the ledger, with the next step.
  static func explaining<Result>(
    _ what: String, _ call: @autoclosure () throws(SystemCallFailure) -> Result
  ) throws(JournalError) -> Result {
    try explaining(what) { () throws(SystemCallFailure) in try call() }
  }

  /// The same for several calls.
  static func explaining<Result>(
    _ what: String, _ calls: () throws(SystemCallFailure) -> Result
  ) throws(JournalError) -> Result {
    do throws(SystemCallFailure) {
      return try calls()
    } catch {
      throw JournalError("\(what) (\(error)): \(error.nextStep)")
    }
  }
}

extension SystemCallFailure {
  /// What the operator can do about it; `isOutOfSpace` includes `fileTooLarge`, which therefore comes first.
  var nextStep: String {
    switch code {
    case SystemCallFailure.fileTooLarge:
      return "raise the limit on file sizes (`ulimit -f`) and run the same command again"
    case _ where isOutOfSpace: return "free disk space and run the same command again"
    case SystemCallFailure.notPermitted, SystemCallFailure.accessDenied:
      return "check the owner and permissions of the file and its folder"
    case SystemCallFailure.readOnly: return "use --ledger with a path on a disk that can be written"
    case SystemCallFailure.isLink: return "name the file itself, not a symbolic link to it"
    case SystemCallFailure.isFolder: return "name a file, not a folder"
    case SystemCallFailure.isSpecial: return "name a regular file, not a pipe or device"
    default: return "check the path and the disk, then run the same command again"
    }
  }
}
