import CCurl
import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An exchange that libcurl works on: what is left to send, what came back, and when to stop.
///
/// Lives during one call, and libcurl's callbacks reach it on the same thread.
final class Transfer {
  let request: HTTPRequest
  let bodySize: Int
  /// Whether the header asks before the body is sent (`Expect`).
  let isExpecting: Bool
  let connection: Connection
  private let answerLimit: Int
  private let stallWindow: Double
  let abort: AbortFlag
  /// The sockets of the handle that works on it.
  weak var sockets: SocketControl?

  /// Times that a header was about to go out.
  private(set) var starts = 0
  /// Bytes of the body that libcurl was given, so that no more can have left.
  private(set) var bodyBytes = 0
  /// Whether libcurl waited for a 100 Continue that never came.
  private(set) var waitedInVain = false
  /// Whether the server answered 417.
  private(set) var wasRefusedExpectation = false
  private(set) var head = ResponseHead()
  private(set) var body: [UInt8] = []
  /// Bytes of the request that the other side hadn't confirmed when the last piece of its answer came.
  private(set) var unconfirmed = 0
  private(set) var stop: Unanswered.Reason?

  private var segment = 0
  private var offset = 0
  private var mark = (time: ContinuousClock.now, bytes: 0)

  /// The connections that an exchange may use.
  ///
  /// A server may close a kept connection just as a request leaves. That does no harm if the body waits for the server's
  /// permission, or if the request may be repeated.
  enum Connection {
    /// Any; it is kept afterwards.
    case kept
    /// The same, but no byte of a body leaves before the server has given permission.
    case keptWithLeave
    /// One that has just answered: the body goes out at once.
    case keptJustNow
    /// A new one, which is closed afterwards.
    case own
  }

  init(
    _ request: HTTPRequest, expecting: Bool, on connection: Connection = .kept,
    limits: HTTPSettings, abort: AbortFlag
  ) {
    self.request = request
    self.bodySize = request.bodySize
    self.isExpecting = expecting
    self.connection = connection
    answerLimit = limits.answerLimit
    stallWindow = limits.stallWindow
    self.abort = abort
  }

  /// Whether a header may go out now.
  ///
  /// libcurl repeats a request when a kept connection turns out to be closed. That is harmless only if no byte of the
  /// body has left, or if the request has no body and only reads.
  func mayStart() -> Bool {
    starts += 1
    if starts == 1 { return true }
    let isHarmless = bodySize > 0 ? bodyBytes == 0 : request.isReading
    guard starts == 2, isHarmless else { return end(.closed) }
    return true
  }

  /// Whether part of the request may still be on its way: it has begun, and no answer says that it is over.
  var isUnderWay: Bool {
    guard head.isComplete else { return starts > 0 }
    return bodyBytes > 0 && bodyBytes < bodySize
  }

  /// Blocks for so long, or until the flag is raised.
  func wait(seconds: Double) {
    let end = ContinuousClock.now + .seconds(seconds)
    while !abort.isRaised, ContinuousClock.now < end { usleep(50_000) }
  }

  /// Fills libcurl's buffer with the next bytes of the body; nil ends the exchange.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    if bodyBytes == 0 {
      waitedInVain = isExpecting && !head.wasContinued
      // A silent server may be about to close the connection.
      if waitedInVain, connection == .keptWithLeave {
        _ = end(.closed)
        return nil
      }
      mark = (ContinuousClock.now, 0)
    }
    var filled = 0
    while filled < buffer.count, segment < request.body.count {
      let count = min(buffer.count - filled, request.body[segment].count - offset)
      request.body[segment].withUnsafeBytes { bytes in
        let target = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count])
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
      }
      filled += count
      offset += count
      if offset == request.body[segment].count { (segment, offset) = (segment + 1, 0) }
    }
    bodyBytes += filled
    return filled
  }

  /// Whether the body may be read from its start, which is only so before any of it was read.
  ///
  /// A handle that wanted to send a body again, without a connection to do so, asks in its next exchange.
  func mayRewind(to offset: Int) -> Bool { offset == 0 && bodyBytes == 0 }

  /// Takes a line of the header; false to end the exchange.
  func take(headerLine line: UnsafeRawBufferPointer) -> Bool {
    guard head.take(line) else { return end(head.problem ?? .malformed) }
    if head.isComplete { unconfirmed = sockets?.unconfirmedBytes ?? 0 }
    // libcurl would repeat the header some 20,000 times a second.
    guard isExpecting, bodyBytes == 0, head.status == 417 else { return true }
    wasRefusedExpectation = true
    return end(.closed)
  }

  /// Takes a piece of the answer's body; false to end the exchange.
  func take(bodyBytes piece: UnsafeRawBufferPointer) -> Bool {
    guard body.count + piece.count <= answerLimit else { return end(.tooLarge) }
    unconfirmed = sockets?.unconfirmedBytes ?? 0
    body += piece
    return true
  }

  /// Whether the exchange may go on; asked whenever data has moved, and once a second.
  func mayContinue(sent: Int) -> Bool {
    if abort.isRaised { return end(.aborted) }
    let now = ContinuousClock.now
    // Only while sending: a server that works on its answer has until the deadline.
    guard bodyBytes > 0, sent < bodySize, now - mark.time >= .seconds(stallWindow) else {
      return true
    }
    let isEnough = Double(sent - mark.bytes) >= stallWindow * 1_000
    mark = (now, sent)
    return isEnough || end(.stalled)
  }

  private func end(_ reason: Unanswered.Reason) -> Bool {
    stop = stop ?? reason
    return false
  }
}

/// libcurl's callbacks, passed on to the exchange.
extension Transfer {
  static let startCallback: curl_prereq_callback = { context, _, _, _, _ in
    transfer(context)?.mayStart() == true ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
  }

  static let readCallback: curl_write_callback = { buffer, size, count, context in
    let room = UnsafeMutableRawBufferPointer(start: buffer, count: size * count)
    return transfer(context)?.read(into: room) ?? Int(CURL_READFUNC_ABORT)
  }

  static let seekCallback: curl_seek_callback = { context, offset, _ in
    transfer(context)?.mayRewind(to: Int(offset)) == true ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
  }

  static let headerCallback: curl_write_callback = { buffer, size, count, context in
    let line = UnsafeRawBufferPointer(start: buffer, count: size * count)
    return transfer(context)?.take(headerLine: line) == true ? line.count : 0
  }

  static let bodyCallback: curl_write_callback = { buffer, size, count, context in
    let piece = UnsafeRawBufferPointer(start: buffer, count: size * count)
    return transfer(context)?.take(bodyBytes: piece) == true ? piece.count : 0
  }

  static let progressCallback: curl_xferinfo_callback = { context, _, _, _, sent in
    transfer(context)?.mayContinue(sent: Int(sent)) == true ? 0 : 1
  }
}

private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
  context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}
