import CCurl
import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One exchange while libcurl works on it: what it still has to send, what came back, when to stop.
///
/// Lives on the stack of one call and is reached from libcurl's callbacks, all on the same thread.
final class Transfer {
  let request: HTTPRequest
  let bodySize: Int
  /// Whether the header asks for leave to send the body.
  let isExpecting: Bool
  let connection: Connection
  private let answerLimit: Int
  private let stallWindow: Double
  let abort: AbortFlag

  /// Times that a header was about to go out.
  private(set) var starts = 0
  /// Bytes of the body handed to libcurl: the upper bound of what left.
  private(set) var bodyBytes = 0
  /// Whether no 100 Continue came within the time that libcurl waits for it.
  private(set) var waitedInVain = false
  /// Whether the server answered 417 before the body.
  private(set) var wasRefusedExpectation = false
  private(set) var head = ResponseHead()
  private(set) var body: [UInt8] = []
  private(set) var stop: Unanswered.Reason?

  private var segment = 0
  private var offset = 0
  private var mark = (time: ContinuousClock.now, bytes: 0)

  /// Which connections are good enough for an exchange.
  ///
  /// A server may close a kept connection at any moment, also the very one in which a request leaves. That does no
  /// harm where the body waits for leave, and where the request may be repeated.
  enum Connection {
    /// Any: one that was kept, and this one is kept in turn.
    case kept
    /// The same, but no byte of a body leaves before the server has given leave.
    case keptWithLeave
    /// One that has answered a moment ago: the body goes out at once.
    case keptJustNow
    /// A new one that is closed afterwards.
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
  /// libcurl repeats a request by itself when a kept connection turns out to be closed. That is harmless
  /// only while no byte of a body has left, and where there is no body, only for reading.
  func mayStart() -> Bool {
    starts += 1
    if starts == 1 { return true }
    let isHarmless = bodySize > 0 ? bodyBytes == 0 : request.isReading
    guard starts == 2, isHarmless else { return end(.closed) }
    return true
  }

  /// Whether something of the request may still be on its way: it began, and no answer says that it is over.
  var isUnderWay: Bool {
    guard head.isComplete else { return starts > 0 }
    return bodyBytes > 0 && bodyBytes < bodySize
  }

  /// Blocks for so long, unless somebody raises the flag.
  func wait(seconds: Double) {
    let end = ContinuousClock.now + .seconds(seconds)
    while !abort.isRaised, ContinuousClock.now < end { usleep(50_000) }
  }

  /// Fills libcurl's buffer with the next bytes of the body; 0 at its end, nil to end the exchange.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    if bodyBytes == 0 {
      waitedInVain = isExpecting && !head.wasContinued
      // The silence may be that of a server which is about to close the connection.
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

  /// Whether the body may be read from its start: as long as nothing of it has been read.
  ///
  /// A handle that wanted to send a body again, and found nobody to send it to, asks for this in its next exchange.
  func mayRewind(to offset: Int) -> Bool { offset == 0 && bodyBytes == 0 }

  /// Takes a line of the header; false to end the exchange.
  func take(headerLine line: UnsafeRawBufferPointer) -> Bool {
    guard head.take(line) else { return end(head.problem ?? .malformed) }
    // libcurl would send the header again and again, some 20,000 times a second.
    guard isExpecting, bodyBytes == 0, head.status == 417 else { return true }
    wasRefusedExpectation = true
    return end(.closed)
  }

  /// Takes a piece of the answer's body; false to end the exchange.
  func take(bodyBytes piece: UnsafeRawBufferPointer) -> Bool {
    guard body.count + piece.count <= answerLimit else { return end(.tooLarge) }
    body += piece
    return true
  }

  /// Whether the exchange may go on; asked whenever data moved and once a second.
  func mayContinue(sent: Int) -> Bool {
    if abort.isRaised { return end(.aborted) }
    let now = ContinuousClock.now
    // Only while sending: a server that thinks about an answer is held to the deadline alone.
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

/// libcurl's callbacks, each handed on to the exchange that it is about.
extension Transfer {
  static let startCallback: curl_prereq_callback = { context, _, _, _, _ in
    guard let context else { return CURL_PREREQFUNC_ABORT }
    return transfer(context).mayStart() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
  }

  static let readCallback: curl_write_callback = { buffer, size, count, context in
    guard let buffer, let context else { return Int(CURL_READFUNC_ABORT) }
    return transfer(context).read(
      into: UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
      ?? Int(CURL_READFUNC_ABORT)
  }

  static let seekCallback: curl_seek_callback = { context, offset, _ in
    guard let context else { return CURL_SEEKFUNC_FAIL }
    return transfer(context).mayRewind(to: Int(offset)) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
  }

  static let headerCallback: curl_write_callback = { buffer, size, count, context in
    guard let buffer, let context else { return 0 }
    let line = UnsafeRawBufferPointer(start: buffer, count: size * count)
    return transfer(context).take(headerLine: line) ? line.count : 0
  }

  static let bodyCallback: curl_write_callback = { buffer, size, count, context in
    guard let buffer, let context else { return 0 }
    let piece = UnsafeRawBufferPointer(start: buffer, count: size * count)
    return transfer(context).take(bodyBytes: piece) ? piece.count : 0
  }

  static let progressCallback: curl_xferinfo_callback = { context, _, _, _, sent in
    guard let context else { return 1 }
    return transfer(context).mayContinue(sent: Int(sent)) ? 0 : 1
  }
}

private func transfer(_ context: UnsafeMutableRawPointer) -> Transfer {
  Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
}
