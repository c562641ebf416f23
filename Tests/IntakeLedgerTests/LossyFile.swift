import IntakeLedger
import IntakeSystem
import Synchronization
import TestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file on a disk that keeps what was synchronised and, when the power fails, any part of the rest.
final class LossyFile: JournalFile {
  let path = "simulated"
  let isRemote = false

  private struct State {
    var onDisk: [UInt8] = []
    var inMemory: [UInt8] = []
    /// Where the writes since the last synchronisation went.
    var pending: [Range<Int>] = []
    /// How many bytes may still be written before the disk is full.
    var room = Int.max
    var isFailing = false
    var synchronizations = 0
    var microseconds: UInt32 = 0
  }

  private let state = Mutex(State())

  func size() -> Int { state.withLock { $0.inMemory.count } }

  func read(at offset: Int, count: Int) -> [UInt8] {
    state.withLock { Array($0.inMemory.dropFirst(offset).prefix(count)) }
  }

  func append(_ bytes: [UInt8]) throws(SystemCallFailure) {
    let isWhole = state.withLock { state in
      let written = bytes.prefix(max(0, state.room))
      state.room -= written.count
      state.pending.append(state.inMemory.count..<state.inMemory.count + written.count)
      state.inMemory += written
      return written.count == bytes.count
    }
    guard isWhole else { throw SystemCallFailure("write", code: ENOSPC) }
  }

  func synchronize() throws(SystemCallFailure) {
    usleep(state.withLock { $0.microseconds })
    let isFailing = state.withLock { state in
      state.synchronizations += 1
      if !state.isFailing { (state.onDisk, state.pending) = (state.inMemory, []) }
      return state.isFailing
    }
    guard !isFailing else { throw SystemCallFailure("fsync", code: EIO) }
  }

  func truncate(to size: Int) {
    state.withLock { state in
      state.inMemory = Array(state.inMemory.prefix(size))
      state.onDisk = Array(state.onDisk.prefix(size))
      state.pending = state.pending.map { $0.clamped(to: 0..<size) }
    }
  }

  func reserve(_ range: Range<Int>) {}
  func isInPlace() -> Bool { true }
  func unlock() {}

  /// The disk has room for so many bytes more.
  func limit(to room: Int) { state.withLock { $0.room = room } }

  /// From now on every synchronisation fails.
  func fail() { state.withLock { $0.isFailing = true } }

  /// Every synchronisation takes that long, as on a disk.
  func slow(toMicroseconds time: UInt32) { state.withLock { $0.microseconds = time } }

  /// How often the file was synchronised.
  var synchronizations: Int { state.withLock { $0.synchronizations } }

  /// What a power cut could take away.
  var unsynchronizedText: String {
    state.withLock { String(decoding: $0.inMemory.dropFirst($0.onDisk.count), as: UTF8.self) }
  }

  /// What a power cut could not take away.
  var durableText: String { state.withLock { String(decoding: $0.onDisk, as: UTF8.self) } }

  /// The power fails: each write since the last synchronisation is kept, lost, or kept in part.
  func crash(_ random: inout SeededRandom) {
    var lost: [Range<Int>] = []
    let pending = state.withLock { $0.pending }
    for write in pending where !write.isEmpty {
      let cut = Int.random(in: write.lowerBound...write.upperBound, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: lost.append(write)
      case 1: lost.append(cut..<write.upperBound)
      case 2: lost.append(write.lowerBound..<cut)
      default: break
      }
    }
    state.withLock { state in
      var bytes = state.inMemory
      for range in lost { for position in range { bytes[position] = 0 } }
      // What was lost at the very end may be missing from the size of the file as well.
      if let last = lost.last, last.upperBound == bytes.count, random.next() % 2 == 0 {
        bytes.removeSubrange(last)
      }
      state = State(onDisk: bytes, inMemory: bytes)
    }
  }
}

extension LossyFile {
  /// The text of a ledger that is written anew from records.
  static func text(of records: [LedgerRecord]) throws -> String {
    let file = LossyFile()
    var writer = LineWriter(file, at: LedgerTip())
    for record in records {
      _ = try writer.append(record)
      // A start is written without waiting for the disk.
      if record.kind != .start { try writer.synchronize() }
    }
    return file.durableText + file.unsynchronizedText
  }
}
