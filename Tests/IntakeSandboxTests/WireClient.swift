import IntakeCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A client that sends exactly the bytes it is given and reads what comes, over a real socket.
final class WireClient {
  private let descriptor: Int32
  private var buffer: [UInt8] = []

  /// Why there is no answer.
  enum Failure: Error, Equatable {
    case cannotConnect
    case ended(received: [UInt8])
    case timedOut
    case malformed
  }

  /// Connects to an address such as `http://127.0.0.1:8080`; reads wait for at most `timeout` milliseconds.
  init(_ address: String, timeout: Int = 5000) throws {
    guard let port = address.split(separator: ":").last.flatMap({ UInt16($0) }) else {
      throw Failure.cannotConnect
    }
    #if canImport(Darwin)
      descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #else
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #endif
    var limit = timeval(tv_sec: timeout / 1000, tv_usec: numericCast(timeout % 1000 * 1000))
    let limitSize = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, limitSize)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, limitSize)
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = port.bigEndian
    target.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafeBytes(of: &target) { raw -> Int32 in
      guard let base = raw.bindMemory(to: sockaddr.self).baseAddress else { return -1 }
      return connect(descriptor, base, socklen_t(raw.count))
    }
    guard code == 0 else { throw Failure.cannotConnect }
  }

  deinit { close(descriptor) }

  /// Sends as much as the other side takes; returns how many bytes that was.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Int {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { raw in
        let rest = UnsafeRawBufferPointer(rebasing: raw[sent...])
        return sendNow(rest)
      }
      guard count > 0 else { break }
      sent += count
    }
    return sent
  }

  private func sendNow(_ rest: UnsafeRawBufferPointer) -> Int {
    #if canImport(Darwin)
      return Darwin.send(descriptor, rest.baseAddress, rest.count, 0)
    #else
      return Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
    #endif
  }

  @discardableResult
  func send(_ text: String) -> Int { send(Array(text.utf8)) }

  /// Ends sending; reading goes on.
  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Reads one more piece; false at an orderly end.
  private func fill() throws -> Bool {
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(descriptor, &piece, piece.count, 0)
    if count > 0 {
      buffer += piece[..<count]
      return true
    }
    if count == 0 { return false }
    guard errno == EAGAIN || errno == EWOULDBLOCK else { throw Failure.ended(received: buffer) }
    throw Failure.timedOut
  }

  /// Everything up to the orderly end of the connection; a reset throws.
  func everything() throws -> [UInt8] {
    while try fill() {}
    defer { buffer = [] }
    return buffer
  }

  /// The next line without its CRLF.
  func line() throws -> String {
    while true {
      if let end = buffer.firstIndex(of: 0x0A) {
        defer { buffer.removeSubrange(...end) }
        return String(decoding: buffer[..<end].filter { $0 != 0x0D }, as: UTF8.self)
      }
      guard try fill() else { throw Failure.ended(received: buffer) }
    }
  }

  /// The next complete answer that is not an interim one.
  func answer() throws -> HTTPResponse {
    let (status, headers) = try head()
    if status < 200 { return try answer() }
    var response = HTTPResponse(status: status, headers: headers, body: [])
    guard status != 204 else { return response }
    guard let length = response[header: "Content-Length"].flatMap({ Int($0) }) else {
      throw Failure.malformed
    }
    while buffer.count < length {
      guard try fill() else { throw Failure.ended(received: buffer) }
    }
    response = HTTPResponse(status: status, headers: headers, body: Array(buffer[..<length]))
    buffer.removeSubrange(..<length)
    return response
  }

  /// The next status line and header fields, interim answers included.
  func head() throws -> (status: Int, headers: [HTTPField]) {
    let words = try line().split(separator: " ")
    guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
      throw Failure.malformed
    }
    var headers: [HTTPField] = []
    while case let line = try line(), !line.isEmpty {
      guard let colon = line.firstIndex(of: ":") else { throw Failure.malformed }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      headers.append(HTTPField(String(line[..<colon]), String(value)))
    }
    return (status, headers)
  }

  /// Sends a request with a body and reads the answer.
  func exchange(
    _ method: String, _ target: String, _ headers: [HTTPField] = [], body: [UInt8] = []
  ) throws -> HTTPResponse {
    send(WireClient.request(method, target, headers, body: body))
    return try answer()
  }

  /// The bytes of a well-formed request.
  static func request(
    _ method: String, _ target: String, _ headers: [HTTPField] = [], body: [UInt8] = []
  ) -> [UInt8] {
    var head = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for field in headers { head += "\(field.name): \(field.value)\r\n" }
    if method != "GET" { head += "Content-Length: \(body.count)\r\n" }
    return Array((head + "\r\n").utf8) + body
  }
}
