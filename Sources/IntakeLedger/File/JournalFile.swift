package import IntakeSystem

/// The file under a ledger; tests put one in its place that loses, tears and reorders what was not synchronised.
package protocol JournalFile: Sendable {
  /// The path, for messages.
  var path: String { get }
  /// Whether another machine keeps the file.
  var isRemote: Bool { get }
  /// Bytes in the file.
  func size() throws(SystemCallFailure) -> Int
  /// Reads up to `count` bytes; fewer at the end of the file only.
  func read(at offset: Int, count: Int) throws(SystemCallFailure) -> [UInt8]
  /// Writes all bytes at the end; on failure some of them may stand there.
  func append(_ bytes: [UInt8]) throws(SystemCallFailure)
  /// Returns when everything written is on the disk.
  func synchronize() throws(SystemCallFailure)
  /// Cuts the file.
  func truncate(to size: Int) throws(SystemCallFailure)
  /// Makes sure that the disk has room for these bytes.
  func reserve(_ range: Range<Int>) throws(SystemCallFailure)
  /// Whether the path still names this file.
  func isInPlace() throws(SystemCallFailure) -> Bool
  /// Lets others have the file.
  func unlock()
}

extension AppendOnlyFile: JournalFile {}
