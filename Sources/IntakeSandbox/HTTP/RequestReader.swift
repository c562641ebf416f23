/// Reads the requests of one connection in turn; never holds more than the limits allow.
struct RequestReader {
  let connection: Connection
  private var buffer: [UInt8] = []

  private var limits: ServerLimits { connection.limits }

  init(_ connection: Connection) { self.connection = connection }

  /// The next request's head, nil when the client closed instead; waits `idle` milliseconds for its first byte.
  mutating func head(idle: Int) throws -> RequestHead? {
    if buffer.isEmpty, try fill(limits.head, before: Deadline(milliseconds: idle)) == 0 {
      return nil
    }
    let deadline = Deadline(milliseconds: limits.headTime)
    let tooLong = RequestFailure(431, "the header is longer than \(limits.head) bytes")
    var lines: [[UInt8]] = []
    var left = limits.head
    while true {
      let line = try line(atMost: left, else: tooLong, before: deadline)
      if line.isEmpty { return try RequestHead(parsing: lines) }
      left -= line.count + 2
      lines.append(line)
    }
  }

  mutating func body(of head: RequestHead, pacing: Pacing? = nil) throws -> [UInt8] {
    let deadline = Deadline(milliseconds: limits.bodyTime)
    switch head.framing {
    case .length(let length):
      guard length <= limits.body else { throw tooLarge }
      var body: [UInt8] = []
      body.reserveCapacity(length)
      try take(length, into: &body, before: deadline, pacing: pacing)
      return body
    case .chunked: return try chunkedBody(before: deadline)
    }
  }

  private var tooLarge: RequestFailure {
    RequestFailure(413, "The request is larger than \(limits.body) bytes")
  }

  private mutating func chunkedBody(before deadline: Deadline) throws -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let digits = try shortLine(before: deadline).prefix { $0 != UInt8(ascii: ";") }
      guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else {
        throw RequestFailure.malformed("a chunk size is malformed")
      }
      if size == 0 { break }
      guard size <= limits.body - body.count else { throw tooLarge }
      try take(size, into: &body, before: deadline)
      guard try shortLine(before: deadline).isEmpty else {
        throw RequestFailure.malformed("a chunk has no end")
      }
    }
    // Trailer fields are read and dropped; their count is bounded by the header's limit.
    var trailer = 0
    while trailer < limits.head {
      let field = try shortLine(before: deadline)
      if field.isEmpty { return body }
      trailer += field.count
    }
    throw RequestFailure.malformed("the trailer is too long")
  }

  /// A line of at most 4,096 bytes: chunk sizes and trailers are short.
  private mutating func shortLine(before deadline: Deadline) throws -> [UInt8] {
    let tooLong = RequestFailure.malformed("a line of the body is too long")
    return try line(atMost: 4096, else: tooLong, before: deadline)
  }

  /// The bytes up to the next CRLF.
  private mutating func line(
    atMost most: Int, else tooLong: RequestFailure, before deadline: Deadline
  ) throws -> [UInt8] {
    while true {
      if let feed = buffer.firstIndex(of: 0x0A) {
        guard feed > 0, buffer[feed - 1] == 0x0D else {
          throw RequestFailure.malformed("a line has no CRLF")
        }
        defer { buffer.removeSubrange(...feed) }
        return Array(buffer[..<(feed - 1)])
      }
      guard buffer.count < most else { throw tooLong }
      if try fill(most - buffer.count, before: deadline) == 0 { throw Disconnected() }
    }
  }

  private mutating func take(
    _ count: Int, into body: inout [UInt8], before deadline: Deadline, pacing: Pacing? = nil
  ) throws {
    let buffered = min(count, buffer.count)
    body += buffer[..<buffered]
    buffer.removeSubrange(..<buffered)
    let end = body.count + count - buffered
    if let pacing {
      // Some bytes came with the header: wait as long as they would have taken at this pace.
      try connection.pause(milliseconds: buffered * pacing.milliseconds / pacing.bytes)
    }
    while body.count < end {
      let gap = min(Deadline(milliseconds: limits.bodyGap), deadline)
      let most = min(end - body.count, pacing?.bytes ?? Int.max)
      guard try connection.receive(most, into: &body, before: gap) > 0 else { throw Disconnected() }
      if let pacing { try connection.pause(milliseconds: pacing.milliseconds) }
    }
  }

  private mutating func fill(_ most: Int, before deadline: Deadline) throws -> Int {
    try connection.receive(most, into: &buffer, before: deadline)
  }
}

/// How slowly a body is read on purpose: so many bytes, then a pause.
struct Pacing: Sendable {
  let bytes: Int
  let milliseconds: Int
}
