import IntakeCore

struct Answer: Sendable {
  var status: Int
  /// Header fields besides those that `bytes` writes itself.
  var headers: [HTTPField]
  var body: [UInt8]

  init(_ status: Int, _ headers: [HTTPField] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  init(_ status: Int, _ type: String, _ text: String) {
    self.init(status, [HTTPField("Content-Type", type)], body: Array(text.utf8))
  }

  static func json(_ status: Int, _ value: some JSONConvertible) -> Answer {
    Answer(status, "application/json", value.json.text)
  }

  static func json(_ status: Int, _ fields: JSONFields) -> Answer {
    .json(status, JSONOutput(fields: fields))
  }

  static func text(_ status: Int, _ text: String) -> Answer {
    Answer(status, "text/plain; charset=utf-8", text)
  }

  static func html(_ status: Int, _ page: String) -> Answer {
    Answer(status, "text/html; charset=utf-8", page)
  }

  /// A small page as web servers and gateways answer it.
  static func page(_ status: Int, _ title: String) -> Answer {
    .html(
      status,
      "<!DOCTYPE html><html><head><title>\(title)</title></head><body><h1>\(title)</h1>"
        + "</body></html>\n")
  }

  func with(_ fields: HTTPField...) -> Answer { with(fields) }

  func with(_ fields: [HTTPField]) -> Answer { Answer(status, headers + fields, body: body) }

  func with(body: [UInt8]) -> Answer { Answer(status, headers, body: body) }

  /// The fields that say where the body ends; 204 and 304 have none.
  var framing: [HTTPField] {
    status == 204 || status == 304 ? [] : [HTTPField("Content-Length", String(body.count))]
  }

  /// The header as it goes over the wire, up to and with the empty line.
  func head(keepsAlive: Bool, date: UTCTime = .now, framing: [HTTPField]? = nil) -> [UInt8] {
    var head = "HTTP/1.1 \(status) \(Answer.reason(status))\r\nDate: \(date.httpDate)\r\n"
    for field in headers + (framing ?? self.framing) { head += "\(field.name): \(field.value)\r\n" }
    head += keepsAlive ? "\r\n" : "Connection: close\r\n\r\n"
    return Array(head.utf8)
  }

  func bytes(keepsAlive: Bool, date: UTCTime = .now) -> [UInt8] {
    head(keepsAlive: keepsAlive, date: date) + (framing.isEmpty ? [] : body)
  }

  /// The words that go with a status code (RFC 9110 §15).
  static func reason(_ status: Int) -> String { reasons[status] ?? "Status \(status)" }

  private static let reasons: [Int: String] = [
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently",
    302: "Found", 303: "See Other", 304: "Not Modified", 307: "Temporary Redirect",
    308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict",
    410: "Gone", 411: "Length Required", 413: "Content Too Large", 415: "Unsupported Media Type",
    417: "Expectation Failed", 421: "Misdirected Request", 422: "Unprocessable Content",
    425: "Too Early", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
  ]
}

enum AfterAnswer: Equatable {
  case close
  /// It waits for the next request for that many milliseconds.
  case wait(Int)
}

/// Writes answers to a connection, properly or spoiled on purpose.
struct AnswerWriter {
  let connection: Connection
  let limits: ServerLimits
  let keepsAlive: Bool
  var date: UTCTime = .now

  var after: AfterAnswer { keepsAlive ? .wait(limits.idle) : .close }

  func send(_ bytes: [UInt8]) throws {
    try connection.write(bytes, before: Deadline(milliseconds: limits.answerTime))
  }

  func sendContinue() throws { try send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }

  func write(_ answer: Answer) throws -> AfterAnswer {
    try send(answer.bytes(keepsAlive: keepsAlive, date: date))
    return after
  }

  /// Sends an answer to a request whose body was not read, and closes.
  func writeEarly(_ answer: Answer) throws -> AfterAnswer {
    try send(answer.bytes(keepsAlive: false, date: date))
    connection.finish()
    return .close
  }
}

extension AnswerWriter {
  /// Half a header: it ends amid the name of a field, where a careless reader sees a header without a body.
  static func cutHeader(_ head: [UInt8]) -> [UInt8] {
    let text = String(decoding: head, as: UTF8.self)
    let place = text.utf8.indices.first { text.utf8[$0...].starts(with: "Content-Le".utf8) }
    return place.map { Array(text.utf8[..<$0]) + Array("Content-Le".utf8) }
      ?? Array(head.prefix(head.count / 2))
  }

  /// An answer in chunks: one or two halves of the body, and what ends it.
  static func chunked(_ answer: Answer, _ date: UTCTime, halves: Int, end: String) -> [UInt8] {
    let coding = [HTTPField("Transfer-Encoding", "chunked")]
    let middle = answer.body.count / 2
    let chunks = [answer.body[..<middle], answer.body[middle...]].prefix(halves)
    return answer.head(keepsAlive: true, date: date, framing: coding)
      + chunks.flatMap(chunk) + Array(end.utf8)
  }

  private static func chunk(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    bytes.isEmpty
      ? [] : Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8)
  }

  func drip(_ answer: Answer, _ gap: Int) throws -> AfterAnswer {
    for byte in answer.bytes(keepsAlive: keepsAlive, date: date) {
      try send([byte])
      try connection.pause(milliseconds: gap)
    }
    return after
  }

  func sendBigHeader(_ answer: Answer, _ size: Int) throws -> AfterAnswer {
    let head = answer.head(keepsAlive: false, date: date)
    try send(Array(head.dropLast(2)))
    let line = Array("X-Filler: \(String(repeating: "x", count: 1010))\r\n".utf8)
    for _ in 0..<(size / line.count + 1) { try send(line) }
    try send(Array("\r\n".utf8) + answer.body)
    return .close
  }

  func sendHuge(_ answer: Answer, _ size: Int) throws -> AfterAnswer {
    let length = [HTTPField("Content-Length", String(size))]
    try send(answer.head(keepsAlive: false, date: date, framing: length))
    let piece = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 16)
    for start in stride(from: 0, to: size, by: piece.count) {
      try send(Array(piece.prefix(size - start)))
    }
    return .close
  }
}
