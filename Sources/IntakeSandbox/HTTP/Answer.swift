import IntakeCore

/// An answer before it is written: status, header fields, body.
struct Answer: Sendable {
  /// Status code.
  var status: Int
  /// Header fields besides those that `bytes` writes itself.
  var headers: [HTTPField]
  /// The body.
  var body: [UInt8]

  /// Makes an answer.
  init(_ status: Int, _ headers: [HTTPField] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// An answer in JSON.
  static func json(_ status: Int, _ value: JSONOutput) -> Answer {
    Answer(status, [HTTPField("Content-Type", "application/json")], body: Array(value.text.utf8))
  }

  /// An answer in plain text.
  static func text(_ status: Int, _ text: String) -> Answer {
    let type = HTTPField("Content-Type", "text/plain; charset=utf-8")
    return Answer(status, [type], body: Array(text.utf8))
  }

  /// The fields that tell where the body ends; 204 and 304 have none.
  var framing: [HTTPField] {
    status == 204 || status == 304 ? [] : [HTTPField("Content-Length", String(body.count))]
  }

  /// The header as it goes over the wire, up to and with the empty line.
  func head(keepsAlive: Bool, date: Timestamp = .now, framing: [HTTPField]? = nil) -> [UInt8] {
    var head = "HTTP/1.1 \(status) \(Answer.reason(status))\r\nDate: \(date.httpDate)\r\n"
    for field in headers + (framing ?? self.framing) {
      head += field.name + ": " + field.value + "\r\n"
    }
    head += keepsAlive ? "\r\n" : "Connection: close\r\n\r\n"
    return Array(head.utf8)
  }

  /// The whole answer as it goes over the wire.
  func bytes(keepsAlive: Bool, date: Timestamp = .now) -> [UInt8] {
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
