import Synchronization
import TestSupport

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One accepted connection of the fault server; used by the one thread that serves it.
struct ServerConnection: Sendable {
  let number: Int32

  /// Reads a request's header; nil when the client is gone.
  func readHead() -> String? {
    var head: [UInt8] = []
    var byte: UInt8 = 0
    while !head.suffix(4).elementsEqual([13, 10, 13, 10]) {
      guard recv(number, &byte, 1, 0) == 1 else { return nil }
      head.append(byte)
    }
    return String(decoding: head, as: UTF8.self)
  }

  /// Reads so many bytes of a body, or what comes before the client is gone.
  func readBody(_ count: Int) -> Int {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var total = 0
    while total < count {
      let got = recv(number, &buffer, min(buffer.count, count - total), 0)
      guard got > 0 else { break }
      total += got
    }
    return total
  }

  /// Bytes that have arrived and that nobody has read, up to 4 MB.
  var waiting: Int {
    var buffer = [UInt8](repeating: 0, count: 4 << 20)
    return max(0, recv(number, &buffer, buffer.count, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)))
  }

  /// Reads to the end: how many bytes came, and whether the client ended with a reset.
  ///
  /// A reset may get lost on a connection that is full; whoever says something there hears that nobody is left.
  func drain() -> (count: Int, wasReset: Bool) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var total = 0
    while true {
      if !waitForMore(milliseconds: 500), !send("HTTP/1.1 103 Early Hints\r\n\r\n") {
        return (total, true)
      }
      guard waitForMore(milliseconds: 100) else { continue }
      let got = recv(number, &buffer, buffer.count, 0)
      if got > 0 {
        total += got
      } else if got == 0 || errno != EINTR {
        return (total, got < 0 && errno == ECONNRESET)
      }
    }
  }

  /// Sends bytes; false when the client is gone.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        write(number, $0.baseAddress, $0.count)
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  /// A whole answer with its length.
  func answer(_ status: String, _ fields: [String] = [], body: String = #"{"ok":true}"#) {
    let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + fields
    send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
  }

  /// Ends the connection with a reset instead of an orderly end.
  func reset() {
    var hard = linger(l_onoff: 1, l_linger: 0)
    setsockopt(number, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
  }

  /// Waits so long for the client to send something; false when it does not.
  func waitForMore(milliseconds: Int32) -> Bool {
    var ready = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    return poll(&ready, 1, milliseconds) > 0
  }

  /// Waits until the client hangs up.
  func waitForEnd() {
    var byte: UInt8 = 0
    while recv(number, &byte, 1, 0) > 0 {}
  }
}

/// A request as the fault server saw it.
struct SeenRequest: Sendable {
  let head: String
  /// Counts the requests of the whole server from 1.
  let index: Int
  /// Counts the requests of its connection from 1.
  let onConnection: Int

  /// The value of a header field.
  func field(_ name: String) -> String? {
    for line in head.split(separator: "\r\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2, parts[0].lowercased() == name.lowercased() {
        return String(parts[1].drop { $0 == " " })
      }
    }
    return nil
  }

  var bodySize: Int { field("Content-Length").flatMap { Int($0) } ?? 0 }

  /// Gives leave for the body where that was asked for, and reads it.
  @discardableResult
  func takeBody(from connection: ServerConnection) -> Int {
    if field("Expect") != nil { connection.send("HTTP/1.1 100 Continue\r\n\r\n") }
    return connection.readBody(bodySize)
  }
}

/// Lets one request through in so many milliseconds.
final class RateLimiter: Sendable {
  private let next = Mutex(ContinuousClock.now)
  private let pause: Duration

  init(milliseconds: Int) { pause = .milliseconds(milliseconds) }

  func admits() -> Bool {
    next.withLock { next in
      guard ContinuousClock.now >= next else { return false }
      next = ContinuousClock.now + pause
      return true
    }
  }
}

extension ServerConnection {
  /// Takes the whole body of a request, nil when the client goes away in the middle of it.
  func body(of request: SeenRequest) -> [UInt8]? {
    if request.field("Expect") != nil { send("HTTP/1.1 100 Continue\r\n\r\n") }
    var body: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while body.count < request.bodySize {
      let got = recv(number, &buffer, min(request.bodySize - body.count, buffer.count), 0)
      guard got > 0 else { return nil }
      body += buffer[..<got]
    }
    return body
  }

  /// Hands a request on to a server on this machine and its answer back, as a gateway does.
  func forward(_ request: SeenRequest, _ body: [UInt8], to port: UInt16) {
    guard let server = try? LocalHTTP.connection(to: "127.0.0.1:\(port)") else { return }
    defer { close(server) }
    let upstream = ServerConnection(number: server)
    let fields = request.head.split(separator: "\r\n").filter {
      !$0.lowercased().hasPrefix("expect:")
    }
    upstream.send(fields.joined(separator: "\r\n") + "\r\nConnection: close\r\n\r\n")
    guard upstream.send(body) else { return }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let got = recv(server, &buffer, buffer.count, 0), got > 0 {
      // A client that is gone does not keep the server from being heard to the end.
      send(Array(buffer[..<got]))
    }
  }
}
