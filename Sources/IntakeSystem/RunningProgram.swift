import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A program that one thread at a time talks to over pipes, never for longer than a deadline.
///
/// All three pipes are served whenever one is waited for. So neither a program that answers before it has read
/// everything nor one that fills its standard error can block. Its end is that of the process and not of its pipes,
/// which a grandchild may hold open. Whoever holds a value of this type calls `end` once.
public struct RunningProgram: Sendable {
  /// Why the program is of no more use.
  public enum Trouble: Error, Sendable, Equatable {
    /// It has ended, or closed its standard output.
    case ended
    /// The deadline has passed.
    case overdue
    /// The deadline has passed, and only some of the bytes that were expected have come.
    case unfinished(came: Int, of: Int)
    /// The task was cancelled.
    case cancelled
    /// It wrote more than may be kept: a line without an end, or output that nobody asked for.
    case flooded
  }

  /// Its process number, which is also the number of its session and process group.
  public let process: Int32
  /// The most bytes of output that are buffered.
  public var outputLimit = 64 << 20
  /// The most bytes of standard error that are kept until they are taken.
  public var errorLimit = 64 << 10
  private var errorText: [UInt8] = []
  private var errorsDropped = 0

  private var input: Descriptor?
  private var output: Descriptor?
  private var errors: Descriptor?
  private var outbox: [ArraySlice<UInt8>] = []
  private var inbox: [UInt8] = []
  private var inboxStart = 0
  /// What `bytes` is filling.
  private var body: [UInt8] = []
  private var bodyCount = 0
  private var chunk = [UInt8](repeating: 0, count: 1 << 16)

  /// Milliseconds until an ended process is noticed whose pipe somebody else holds open.
  private static let turn: Int32 = 50

  init(process: Int32, input: Descriptor, output: Descriptor, errors: Descriptor) {
    self.process = process
    (self.input, self.output, self.errors) = (input, output, errors)
    for end in [input, output, errors] { _ = fcntl(end.number, F_SETFL, O_NONBLOCK) }
  }

  /// Queues bytes for its standard input; they are written during the next waits.
  public mutating func send(_ pieces: [[UInt8]]) {
    outbox += pieces.lazy.filter { !$0.isEmpty }.map { $0[...] }
  }

  /// Bytes that were read but not taken yet.
  public var bufferedCount: Int { inbox.count - inboxStart }

  /// Whether its standard input is closed, so that nothing more can be sent.
  public var isDeaf: Bool { input == nil }

  /// The next line without its line feed, at most `limit` bytes long.
  public mutating func line(limit: Int, until deadline: Double) throws(Trouble) -> [UInt8] {
    var searched = 0
    while true {
      if let end = inbox[(inboxStart + searched)...].firstIndex(of: 0x0A) {
        guard end - inboxStart <= limit else { throw .flooded }
        defer { drop(end + 1 - inboxStart) }
        return Array(inbox[inboxStart..<end])
      }
      searched = bufferedCount
      guard searched <= limit else { throw .flooded }
      try wait(until: deadline)
    }
  }

  /// The next `count` bytes.
  public mutating func bytes(_ count: Int, until deadline: Double) throws(Trouble) -> [UInt8] {
    // Read directly into place: through the buffer, an image took 5 ms instead of 2.
    body = [UInt8](repeating: 0, count: count)
    bodyCount = min(count, bufferedCount)
    body.replaceSubrange(0..<bodyCount, with: inbox[inboxStart..<(inboxStart + bodyCount)])
    drop(bodyCount)
    defer { (body, bodyCount) = ([], 0) }
    while bodyCount < count {
      do throws(Trouble) {
        try wait(until: deadline)
      } catch {
        throw error == .overdue ? .unfinished(came: bodyCount, of: count) : error
      }
    }
    return body
  }

  /// All that it writes until it ends or closes its output, at most `limit` bytes.
  public mutating func everything(limit: Int, until deadline: Double) throws(Trouble) -> [UInt8] {
    while bufferedCount <= limit {
      do throws(Trouble) {
        try wait(until: deadline)
      } catch {
        guard error == .ended else { throw error }
        guard bufferedCount <= limit else { throw .flooded }
        defer { drop(bufferedCount) }
        return Array(inbox[inboxStart...])
      }
    }
    throw .flooded
  }

  /// Returns once the pipe has taken everything that was sent, or the program has closed it.
  public mutating func flush(until deadline: Double) throws(Trouble) {
    while !outbox.isEmpty { try wait(until: deadline) }
  }

  /// Reads what there is without waiting; false if the program has ended or closed its output.
  public mutating func look() -> Bool {
    _ = serve(milliseconds: 0)
    return output != nil && csystem_has_ended(process) == 0
  }

  /// Standard error since the last call, cut at the limit, and how many bytes were dropped.
  ///
  /// - Parameter wholeLines: keeps a line that is still being written for the next call, and drops one that was cut.
  public mutating func takeErrors(wholeLines: Bool = false) -> (text: [UInt8], dropped: Int) {
    var rest: ArraySlice<UInt8> = []
    if wholeLines, errors != nil || errorsDropped > 0 {
      let end = errorText.lastIndex { $0 == 0x0A || $0 == 0x0D }.map { $0 + 1 } ?? 0
      if errorsDropped > 0 {
        errorsDropped += errorText.count - end
      } else {
        rest = errorText[end...]
      }
      errorText = Array(errorText[..<end])
    }
    defer { (errorText, errorsDropped) = (Array(rest), 0) }
    return (errorText, errorsDropped)
  }

  /// Closes its standard input, which asks it to end.
  public mutating func closeInput() {
    input = nil
    outbox = []
  }

  private mutating func drop(_ count: Int) {
    inboxStart += count
    if inboxStart == inbox.count {
      // Memory that held an image is freed; that for lines is kept.
      inbox.removeAll(keepingCapacity: inbox.capacity <= 256 << 10)
      inboxStart = 0
    }
  }

  /// Serves the pipes once.
  private mutating func wait(until deadline: Double) throws(Trouble) {
    guard !Task.isCancelled else { throw .cancelled }
    guard output != nil else { throw .ended }
    guard bufferedCount < outputLimit else { throw .flooded }
    let left = deadline - SystemTime.monotonic
    guard left > 0 else { throw .overdue }
    let before = bufferedCount + bodyCount
    let milliseconds = Int32(min(Double(RunningProgram.turn), (left * 1000).rounded(.up)))
    if serve(milliseconds: milliseconds) { return }
    // Its last words may have arrived between the two calls.
    guard csystem_has_ended(process) != 0 else { return }
    _ = serve(milliseconds: 0)
    guard bufferedCount + bodyCount > before else { throw .ended }
  }

  /// Moves bytes through the pipes that are ready; false if none is.
  private mutating func serve(milliseconds: Int32) -> Bool {
    let isFull = bufferedCount >= outputLimit
    var ready = [
      pollfd(fd: outbox.isEmpty ? -1 : input?.number ?? -1, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: isFull ? -1 : output?.number ?? -1, events: Int16(POLLIN), revents: 0),
      pollfd(fd: errors?.number ?? -1, events: Int16(POLLIN), revents: 0),
    ]
    guard poll(&ready, nfds_t(ready.count), milliseconds) > 0 else { return false }
    if ready[0].revents != 0 { write() }
    if ready[1].revents != 0 { readOutput() }
    if ready[2].revents != 0 { readErrors() }
    return true
  }

  private mutating func write() {
    while let piece = outbox.first, let input {
      let count = piece.withUnsafeBytes { systemWrite(input.number, $0) }
      if count == piece.count {
        outbox.removeFirst()
      } else if count > 0 {
        outbox[0] = piece.dropFirst(count)
        return
      } else if errno == EINTR {
        continue
      } else {
        if errno != EAGAIN { closeInput() }
        return
      }
    }
  }

  private mutating func readOutput() {
    guard let output else { return }
    let count: Int
    if bodyCount < body.count {
      count = body.withUnsafeMutableBytes { readOnce(output, $0[bodyCount...]) }
      bodyCount += max(0, count)
    } else {
      count = chunk.withUnsafeMutableBytes { readOnce(output, $0[...]) }
      inbox += chunk.prefix(max(0, count))
    }
    if count == 0 { self.output = nil }
  }

  private mutating func readErrors() {
    guard let errors else { return }
    let count = chunk.withUnsafeMutableBytes { readOnce(errors, $0[...]) }
    let kept = min(max(0, count), errorLimit - errorText.count)
    errorText += chunk.prefix(kept)
    errorsDropped += max(0, count) - kept
    if count == 0 { self.errors = nil }
  }
}

/// Reads into a room: the count, 0 at the end, negative if there is nothing now.
private func readOnce(_ source: Descriptor, _ room: Slice<UnsafeMutableRawBufferPointer>) -> Int {
  while true {
    let result = systemRead(source.number, UnsafeMutableRawBufferPointer(rebasing: room))
    if result >= 0 { return result }
    if errno != EINTR { return errno == EAGAIN ? -1 : 0 }
  }
}

/// How a program ended.
public struct ProgramEnd: Sendable, Equatable, CustomStringConvertible {
  /// The way it ended, as `wait(2)` reports it.
  public enum Status: Sendable, Equatable, CustomStringConvertible {
    /// By itself, with this exit code.
    case exited(Int32)
    /// By this signal.
    case signalled(Int32)
    /// Somebody else has reaped it, or it could not be ended.
    case unknown

    /// The low seven bits are the signal, the next eight the exit code (wait(2)).
    init(waitStatus status: Int32) {
      self = status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
    }

    /// `ended with exit code 3`.
    public var description: String {
      switch self {
      case .exited(let code): return "ended with exit code \(code)"
      case .signalled(let number): return "was ended by signal \(number)"
      case .unknown: return "ended"
      }
    }
  }

  /// The way it ended.
  public let status: Status
  /// Whether a process that it started has left its group and still holds its output.
  public let leftProcessBehind: Bool

  /// `ended with exit code 3`.
  public var description: String { status.description }
}

extension RunningProgram {
  /// Closes its input, waits, ends its whole process group, and reaps it; what it still writes is discarded.
  ///
  /// - Parameters:
  ///   - patience: seconds it may take to end by itself.
  ///   - grace: seconds between SIGTERM and SIGKILL.
  public mutating func end(patience: Double = 0, grace: Double = 2) -> ProgramEnd {
    closeInput()
    if !hasEnded(within: patience) {
      kill(-process, SIGTERM)
      _ = hasEnded(within: grace)
    }
    // Until the process is reaped, its number belongs to nobody else. If somebody else has reaped it (SIGCHLD
    // ignored), the number may be anybody's by now.
    if csystem_has_ended(process) >= 0 { kill(-process, SIGKILL) }
    _ = hasEnded(within: 5)
    var status: Int32 = 0
    let isReaped = waitpid(process, &status, WNOHANG) == process
    // Both outputs end once no process holds them.
    let isReleased = waited(0.1) { $0.output == nil && $0.errors == nil }
    (output, errors) = (nil, nil)
    return ProgramEnd(
      status: isReaped ? .init(waitStatus: status) : .unknown, leftProcessBehind: !isReleased)
  }

  mutating func hasEnded(within seconds: Double) -> Bool {
    waited(seconds) { csystem_has_ended($0.process) != 0 }
  }

  /// Waits for a condition and discards what the program writes; false if time runs out.
  private mutating func waited(_ seconds: Double, for condition: (RunningProgram) -> Bool) -> Bool {
    let deadline = SystemTime.monotonic + seconds
    while !condition(self) {
      guard SystemTime.monotonic < deadline else { return false }
      discardOutput(milliseconds: 5)
    }
    return true
  }

  private mutating func discardOutput(milliseconds: UInt32) {
    drop(bufferedCount)
    // With nothing to poll, poll would return at once.
    if output == nil, errors == nil {
      usleep(milliseconds * 1000)
    } else {
      _ = serve(milliseconds: Int32(milliseconds))
    }
  }
}
