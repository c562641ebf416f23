import IntakeCore
import Testing

/// One way a server can answer, and what has to be made of it.
struct Fault: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let outcome: OutcomeClass
  let code: FailureCode?
  let behaviour: FaultServer.Behaviour

  init(
    _ name: String, _ outcome: OutcomeClass, _ code: FailureCode? = nil,
    _ behaviour: @escaping FaultServer.Behaviour
  ) {
    testDescription = name
    self.outcome = outcome
    self.code = code
    self.behaviour = behaviour
  }

  /// Reads the body, sends a text and hangs up.
  init(_ name: String, _ outcome: OutcomeClass, _ code: FailureCode? = nil, sends text: String) {
    self.init(name, outcome, code) { connection, request in
      request.takeBody(from: connection)
      connection.send(text)
      return false
    }
  }

  /// Reads the body, gives a whole answer and stays.
  init(
    _ name: String, _ outcome: OutcomeClass, _ code: FailureCode? = nil, answers status: String,
    _ fields: [String] = [], body: String = #"{"ok":true}"#
  ) {
    self.init(name, outcome, code) { connection, request in
      request.takeBody(from: connection)
      connection.answer(status, fields, body: body)
      return true
    }
  }

  static let good = [
    Fault("200", .accepted, answers: "200 OK"),
    Fault("200 with a cookie", .accepted, answers: "200 OK", ["Set-Cookie: a=b; Path=/"]),
    Fault(
      "200 in chunks with trailers", .accepted,
      sends: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "5\r\n{\"ok\"\r\n6\r\n:true}\r\n0\r\nX-Sum: 1\r\n\r\n"),
    Fault(
      "200 until the connection ends", .accepted, sends: "HTTP/1.1 200 OK\r\n\r\n{\"ok\":true}"),
    Fault(
      "three interim answers", .accepted,
      sends: String(repeating: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", count: 3)
        + "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"),
    Fault(
      "the same length twice", .accepted,
      sends: "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"),
  ]

  static let broken = [
    Fault("200 without a body", .inDoubt, .unrecognizedAnswer, answers: "200 OK", body: ""),
    Fault("200 with a page", .inDoubt, .unrecognizedAnswer, answers: "200 OK", body: "<html>"),
    Fault("orderly end after the request", .inDoubt, .noAnswer, sends: ""),
    Fault("reset after the request", .inDoubt, .noAnswer) { connection, request in
      request.takeBody(from: connection)
      connection.reset()
      return false
    },
    Fault(
      "100 Continue, then the end", .inDoubt, .noAnswer, sends: "HTTP/1.1 100 Continue\r\n\r\n"),
    Fault("garbage", .inDoubt, .noAnswer, sends: "\u{1}\u{2}\u{3}garbage\r\n\r\n"),
    Fault("HTTP/0.9", .inDoubt, .noAnswer, sends: "{\"ok\":true}"),
    Fault("half a header line", .inDoubt, .noAnswer, sends: "HTTP/1.1 200 OK\r\nContent-Le"),
    Fault(
      "no blank line after the header", .inDoubt, .noAnswer,
      sends: "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"),
    Fault("status line only", .inDoubt, .noAnswer, sends: "HTTP/1.1 200 OK\r\n"),
    Fault(
      "short body", .inDoubt, .noAnswer,
      sends: "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{\"ok\":true}"),
    Fault(
      "cut chunks", .inDoubt, .noAnswer,
      sends: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"ok\"\r\n"),
    Fault(
      "a chunk size that is none", .inDoubt, .noAnswer,
      sends: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{\"ok\":true}\r\n0\r\n\r\n"
    ),
    Fault(
      "two lengths", .inDoubt, .noAnswer,
      sends: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"),
    Fault(
      "a folded field", .inDoubt, .noAnswer,
      sends: "HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"),
    Fault(
      "NUL in a field", .inDoubt, .noAnswer,
      sends: "HTTP/1.1 200 OK\r\nX-A: a\u{0}b\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"),
    Fault("status 999", .inDoubt, .noAnswer, sends: "HTTP/1.1 999 OK\r\n\r\n{\"ok\":true}"),
    Fault("status 99999", .inDoubt, .noAnswer, sends: "HTTP/1.1 99999 OK\r\n\r\n{\"ok\":true}"),
    Fault(
      "101", .inDoubt, .noAnswer,
      sends: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\n\r\n{\"ok\":true}"),
    Fault(
      "1,000 interim answers", .inDoubt, .noAnswer,
      sends: String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 1_000)
        + "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"),
    Fault(
      "2 MB of header", .inDoubt, .noAnswer,
      sends: "HTTP/1.1 200 OK\r\n"
        + String(
          repeating: "X-Filler: " + String(repeating: "a", count: 990) + "\r\n", count: 2_000)),
    Fault("400 MB of body", .inDoubt, .noAnswer) { connection, request in
      request.takeBody(from: connection)
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 400000000\r\n\r\n")
      let piece = [UInt8](repeating: 0x20, count: 1_000_000)
      for _ in 0..<400 where !connection.send(piece) { break }
      return false
    },
  ]

  static let refused = [
    Fault("400", .rejected, .refusedByTarget, answers: "400 Bad Request"),
    Fault("404", .rejected, .refusedByTarget, answers: "404 Not Found"),
    Fault("417 without Expect", .rejected, .refusedByTarget, answers: "417 Expectation Failed"),
    Fault(
      "401 with a challenge", .fatal, .credentialsRefused, answers: "401 Unauthorized",
      ["WWW-Authenticate: Basic realm=\"a\""]),
    Fault("401 without one", .fatal, .credentialsRefused, answers: "401 Unauthorized"),
    Fault(
      "401 with a cut body", .fatal, .credentialsRefused,
      sends: "HTTP/1.1 401 Unauthorized\r\nContent-Length: 400\r\n\r\n{"),
    Fault("403", .fatal, .credentialsRefused, answers: "403 Forbidden"),
    Fault("408", .inDoubt, .targetFailed, answers: "408 Request Timeout"),
    Fault("413", .rejected, .bodyTooLarge, answers: "413 Content Too Large"),
    Fault("429", .yield(after: 7), .throttled, answers: "429 Slow Down", ["Retry-After: 7"]),
    Fault(
      "429 with rubbish", .yield(after: nil), .throttled, answers: "429 No", ["Retry-After: -1"]),
    Fault("500", .inDoubt, .targetFailed, answers: "500 Oops"),
    Fault("502", .inDoubt, .targetFailed, answers: "502 Bad Gateway"),
    Fault("503", .inDoubt, .targetFailed, answers: "503 Unavailable"),
    Fault(
      "503 with a time", .yield(after: 1e9), .throttled, answers: "503 Unavailable",
      ["Retry-After: 1000000000"]),
    Fault("504", .inDoubt, .targetFailed, answers: "504 Gateway Timeout"),
  ]
}
