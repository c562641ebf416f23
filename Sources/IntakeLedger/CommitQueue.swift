import Dispatch
import IntakeCore
import IntakeSystem
import Synchronization

/// Writes the lines of many tasks in one thread and shares each `fsync` among them.
///
/// Group commit without a delay: while one `fsync` runs, lines queue up, and the next one covers them all. A
/// lone caller waits for its own `fsync` and no longer; no call returns before its line is on disk.
final class CommitQueue: Sendable {
  private struct Request: Sendable {
    /// The line to write; nil to wait for the lines before.
    let record: LedgerRecord?
    let caller: CheckedContinuation<JournalError?, Never>
  }

  private struct Waiting {
    var requests: [Request] = []
    var isClosed = false
    var closer: CheckedContinuation<Void, Never>?
  }

  private let waiting = Mutex(Waiting())
  private let writer: Mutex<LineWriter>
  private let index: Mutex<LedgerIndex>
  /// Wakes the thread: a request came to an empty queue, or the queue was closed.
  private let work = DispatchSemaphore(value: 0)

  /// Starts the thread, which may block: the cooperative pool has only one for each core.
  init(_ writer: sending LineWriter, index: sending LedgerIndex) throws(JournalError) {
    self.writer = Mutex(writer)
    self.index = Mutex(index)
    guard SystemThread.start(serve) else { throw JournalError.noThread }
  }

  func lookUp<Result: Sendable, Failure: Error>(
    _ body: (borrowing LedgerIndex) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try index.withLock { (index) throws(Failure) in try body(index) }
  }

  /// Returns when the line is on disk; a `start` as soon as it is written.
  ///
  /// - Parameter record: the line; nil to wait for the lines before.
  func append(_ record: LedgerRecord?) async throws(JournalError) {
    let failure = await withCheckedContinuation { enqueue(Request(record: record, caller: $0)) }
    if let failure { throw failure }
  }

  /// Writes what is waiting and ends the thread.
  func close() async { await withCheckedContinuation { end(resuming: $0) } }

  /// Ends the thread without waiting for it.
  func abandon() { end(resuming: nil) }

  private func end(resuming closer: CheckedContinuation<Void, Never>?) {
    let isFirst = waiting.withLock { waiting in
      guard !waiting.isClosed else { return false }
      (waiting.isClosed, waiting.closer) = (true, closer)
      return true
    }
    if isFirst { work.signal() } else { closer?.resume() }
  }

  private func enqueue(_ request: Request) {
    let (isFirst, isClosed) = waiting.withLock { waiting in
      if !waiting.isClosed { waiting.requests.append(request) }
      return (waiting.requests.count == 1, waiting.isClosed)
    }
    if isClosed {
      request.caller.resume(
        returning: JournalError(
          "the ledger is closed: this is a programming error, please report it"))
    } else if isFirst {
      work.signal()
    }
  }

  private func serve() {
    while true {
      work.wait()
      let (requests, isClosed, closer) = waiting.withLock { waiting in
        defer { waiting.requests = [] }
        return (waiting.requests, waiting.isClosed, waiting.closer)
      }
      commit(requests)
      guard isClosed else { continue }
      writer.withLock { $0.release() }
      closer?.resume()
      return
    }
  }

  /// Writes a batch and answers everybody in it.
  private func commit(_ requests: [Request]) {
    guard !requests.isEmpty else { return }
    var written: [Request] = []
    let failure = writer.withLock { writer -> JournalError? in
      do throws(JournalError) {
        try writer.checkPlace()
        for request in requests where write(request, with: &writer) { written.append(request) }
        if written.contains(where: { $0.record?.needsSync ?? true }) { try writer.synchronize() }
        return nil
      } catch {
        if written.isEmpty { written = requests }
        return error
      }
    }
    for request in written { request.caller.resume(returning: failure) }
  }

  /// Writes one line; false when it was refused and the caller knows.
  private func write(_ request: Request, with writer: inout LineWriter) -> Bool {
    guard let record = request.record else { return true }
    do throws(JournalError) {
      guard let line = StateLine(record) else {
        throw JournalError(
          "a line for the ledger lacks a field: this is a programming error, please report it")
      }
      let room = try lookUp { (index) throws(JournalError) in try index.room(for: record) }
      if let room { try writer.reserve(room) }
      let offset = try writer.append(record)
      try index.withLock { (index) throws(JournalError) in try index.apply(line, at: offset) }
      return true
    } catch {
      request.caller.resume(returning: error)
      return false
    }
  }
}

extension LedgerIndex {
  /// Bytes that must be free before a line is written; nil for the outcome of a row in flight, whose room is kept.
  ///
  /// Every row is looked up here: one that cannot be read again must be noticed before its line is in the file.
  fileprivate func room(for record: LedgerRecord) throws(JournalError) -> Int? {
    let state = if let key = record.key { try state(of: key) } else { RowState?.none }
    if record.kind == .outcome, state?.isInFlight(in: run) == true { return nil }
    return (inFlight + 2) * LineWriter.outcomeRoom
  }
}
