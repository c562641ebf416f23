import IntakeCore

struct Answer: Sendable {
  var status: Int
  /// Header fields besides those that `head` adds.
  var headers: [HTTPField]
  var body: [UInt8]
  var date = UTCTime.now
  /// Whether only the header is sent, as HEAD wants it.
  var omitsBody = false
  /// Whether the request has changed what is stored, as it goes into the log.
  var isAccepted = false

  init(_ status: Int, _ headers: [HTTPField] = [], body: [UInt8] = []) {
    (self.status, self.headers, self.body) = (status, headers, body)
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

  /// A small page like those of web servers and gateways.
  static func page(_ status: Int, _ title: String) -> Answer {
    .html(
      status,
      "<!DOCTYPE html><html><head><title>\(title)</title></head><body><h1>\(title)</h1>"
        + "</body></html>\n")
  }

  /// The answer to a request that was carried out.
  var accepted: Answer {
    var answer = self
    answer.isAccepted = true
    return answer
  }

  func with(_ name: String, _ value: String) -> Answer {
    var answer = self
    answer.headers.append(HTTPField(name, value))
    return answer
  }

  /// The header as it goes over the wire, including the empty line.
  ///
  /// `framing` says where the body ends; answers with 204 and 304 have none.
  func head(keepsAlive: Bool, framing: [HTTPField]? = nil) -> [UInt8] {
    let length = hasBody ? [HTTPField("Content-Length", String(body.count))] : []
    var head = "HTTP/1.1 \(status) \(Answer.reason(status))\r\nDate: \(date.httpDate)\r\n"
    for field in headers + (framing ?? length) { head += "\(field.name): \(field.value)\r\n" }
    head += keepsAlive ? "\r\n" : "Connection: close\r\n\r\n"
    return Array(head.utf8)
  }

  func bytes(keepsAlive: Bool) -> [UInt8] {
    head(keepsAlive: keepsAlive) + (hasBody && !omitsBody ? body : [])
  }

  private var hasBody: Bool { status != 204 && status != 304 }

  /// The reason phrase of a status code (RFC 9110 §15).
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

enum AfterAnswer {
  case close
  /// It waits for the next request for that many milliseconds.
  case wait(Int)
}

extension Connection {
  func sendContinue() throws { try write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }

  func answer(_ answer: Answer, keepsAlive: Bool) throws -> AfterAnswer {
    try write(answer.bytes(keepsAlive: keepsAlive))
    return keepsAlive ? .wait(limits.idle) : .close
  }

  /// Answers a request whose body was not read, and closes.
  func answerEarly(_ answer: Answer) throws -> AfterAnswer {
    try write(answer.bytes(keepsAlive: false))
    finish()
    return .close
  }
}
