import IntakeCore

/// The table of all effects, by phase, in the order in which they act.
extension FaultEffect {
  static let phases: [(title: String, effects: [FaultEffect])] = [
    ("Before the body is read", openings), ("In time (these add up)", timings),
    ("A made-up decision (not carried out, unless :accepted)", verdicts),
    ("Carried out, with a spoiled answer", contents), ("On the wire", wires),
  ]

  private static let openings: [FaultEffect] = [
    FaultEffect("close-before", "close after the header, the body unread", .ending { _, _ in }),
    FaultEffect(
      "reset-before", "reset after the header, the body unread",
      .ending { exchange, _ in exchange.writer.connection.resetOnClose() }),
    early,
    FaultEffect(
      "417", "answer 417 to Expect: 100-continue, and serve requests without it",
      .opening { exchange, _ in
        guard exchange.head.expectsContinue else { return .reading() }
        exchange.log(417)
        return .done(try exchange.writer.write(exchange.api.refusal(417, nil)))
      }),
    FaultEffect(
      "never-100", "never send 100 Continue; wait for the body",
      .opening { _, _ in .reading(sendsContinue: false) }),
    FaultEffect(
      "100-flood", "send that many 100 Continue", takes: [.integer("count", 1...10_000, 20)],
      .opening { exchange, fault in
        for _ in 0..<fault["count"] { try exchange.writer.sendContinue() }
        return .reading(sendsContinue: false)
      }),
    FaultEffect(
      "100-close", "send 100 Continue, then close",
      .ending { exchange, _ in try exchange.writer.sendContinue() }),
    FaultEffect(
      "stall-read", "stop reading, then close", takes: [.milliseconds(600_000)],
      .ending { try? $0.writer.connection.pause(milliseconds: $1["ms"]) }),
    FaultEffect(
      "throttle", "read the body at that many bytes a second",
      takes: [.integer("rate", 1...1_000_000_000, 65_536)],
      // Ten pieces a second, so that a deadline sees steady progress.
      .opening { _, fault in
        .reading(pacing: Pacing(bytes: max(1, fault["rate"] / 10), milliseconds: 100))
      }),
  ]

  /// Also written with its status in front: `413-early`.
  static let early = FaultEffect(
    "early",
    "answer before reading the body, then close (abrupt: reset the upload); "
      + "413-early is short for early=413",
    takes: [.integer("status", 300...599, 413), .flag("abrupt")],
    .opening { exchange, fault in
      exchange.log(fault["status"])
      let answer = exchange.api.refusal(fault["status"], nil)
      guard fault.has("abrupt") else { return .done(try exchange.writer.writeEarly(answer)) }
      try exchange.writer.send(answer.bytes(keepsAlive: false))
      return .done(.close)
    })

  private static let timings: [FaultEffect] = [
    FaultEffect(
      "latency", "wait before carrying the request out", takes: [.milliseconds(40)],
      .timing { $0.latency += $1 }),
    FaultEffect(
      "slow", "carry it out, then wait before answering", takes: [.milliseconds(1000)],
      .timing { $0.slowness += $1 }),
    FaultEffect(
      "clock", "judge times, and write Date, with a clock that is ahead by that much",
      takes: [.integer("seconds", -86_400...86_400, 600)], .timing { $0.clockOffset += $1 }),
  ]

  private static let verdicts: [FaultEffect] = [
    status,
    FaultEffect(
      "redirect", "answer a redirect, by default to another path of this server",
      takes: [.integer("status", 300...399, 307), .text("location"), .flag("accepted")],
      .verdict { fault, _, _ in
        Answer(fault["status"], [HTTPField("Location", fault.text("location") ?? "/v3/elsewhere")])
      }),
    FaultEffect(
      "result-error", "answer 200 with an error inside",
      takes: [.text("message"), .flag("accepted")],
      .verdict { fault, api, _ in
        var answer = api.refusal(400, fault.text("message") ?? "The request could not be processed")
        answer.status = 200
        return answer
      }),
    FaultEffect(
      "echo-secret", "repeat password and personal fields in the error message",
      takes: [.status(400), .flag("accepted")],
      .verdict { fault, api, call in
        api.refusal(fault["status"], "refused: " + call.confidential.joined(separator: " "))
      }),
    FaultEffect(
      "escapes", "put terminal escape sequences into the error message",
      takes: [.status(400), .flag("accepted")],
      .verdict { fault, api, _ in
        api.refusal(fault["status"], "\u{1B}[2J\u{1B}]0;owned\u{07}\u{202E}\u{9B}31m refused")
      }),
    FaultEffect(
      "long-message", "make the error message that long",
      takes: [.integer("bytes", 1...100_000_000, 1_000_000), .status(400)],
      .verdict { fault, api, _ in
        api.refusal(fault["status"], String(repeating: "long ", count: fault["bytes"] / 5 + 1))
      }),
  ]

  /// Written as the status itself: `429`.
  static let status = FaultEffect(
    "CODE",
    "answer with this HTTP status, 200 to 599, in the vendor's form; a 2xx is carried out. "
      + "retry-after takes any text, and date+5 for the HTTP date 5 s ahead",
    takes: [
      .text("retry-after"), .flag("accepted"), .flag("html"), .flag("www-authenticate"),
      .text("message"),
    ],
    .verdict { fault, api, _ in
      let code = fault.code ?? 500
      var answer = api.refusal(code, fault.text("message"))
      if fault.has("html") { answer = .page(code, Answer.reason(code)) }
      if let wait = fault.text("retry-after") {
        let seconds = wait.hasPrefix("date+") ? Int(wait.dropFirst(5)) : nil
        let date = seconds.map { UTCTime.now.later(by: Double($0)).httpDate }
        answer.headers.append(HTTPField("Retry-After", date ?? wait))
      }
      if fault.has("www-authenticate") {
        answer.headers.append(HTTPField("WWW-Authenticate", "Basic realm=\"sandbox\""))
      }
      return answer
    })

  private static let contents: [FaultEffect] = [
    FaultEffect(
      "html", "a login page in place of JSON",
      .content { answer, _ in .page(answer.status, "Please sign in") }),
    FaultEffect("empty", "no body", .body { _ in [] }),
    FaultEffect(
      "truncated-json", "half of the JSON, with a Content-Length that fits",
      .body { Array($0.prefix($0.count / 2)) }),
    FaultEffect(
      "wrong-types", "numbers for texts, texts for objects",
      .members { members in
        members.map { name, value in
          if case .string = value { return (name, .integer(7)) }
          return (name, .string("not what you expect"))
        }
      }),
    FaultEffect("null-fields", "null for every value", .members { $0.map { ($0.0, .null) } }),
    FaultEffect("array", "the object inside a list", .body { [0x5B] + $0 + [0x5D] }),
    FaultEffect(
      "duplicate-keys", "result and status twice, with other values",
      .inserting { _ in "\"result\":\"Error\",\"status\":\"FAIL\"" }),
    FaultEffect(
      "status-lowercase", "result and status in lower case",
      .members { SpoiledJSON.changingStatus($0, ["status", "result"]) { $0.lowercased() } }),
    FaultEffect(
      "status-unknown", "a status that no page documents",
      .members { SpoiledJSON.changingStatus($0, ["status"]) { _ in "ESCALATED" } }),
    FaultEffect(
      "status-elsewhere", "the status in the other place: top level or target",
      .members(SpoiledJSON.movingStatus)),
    FaultEffect(
      "extra-fields", "fields that no page documents",
      .members {
        $0 + [("x_added", JSONOutput(fields: [("since", 2031), ("list", [JSONOutput.null])]))]
      }),
    FaultEffect(
      "deep-json", "lists nested that deep", takes: [.integer("depth", 1...1_000_000, 100_000)],
      .inserting { fault in
        "\"deep\":" + ["[", "]"].map { String(repeating: $0, count: fault["depth"]) }.joined()
      }),
    FaultEffect("huge-number", "1e400", .inserting { _ in "\"number\":1e400" }),
    FaultEffect(
      "lone-surrogate", "half of a surrogate pair", .inserting { _ in "\"half\":\"\\ud800\"" }),
    FaultEffect(
      "bad-utf8", "bytes that are not UTF-8",
      .body { SpoiledJSON.inserting("\"bytes\":\"?\"", into: $0).map { $0 == 0x3F ? 0xFF : $0 } }),
    FaultEffect("bom", "a byte order mark before the JSON", .body { [0xEF, 0xBB, 0xBF] + $0 }),
    FaultEffect(
      "utf16", "the JSON in UTF-16",
      .body { body in
        String(decoding: [0xEF, 0xBB, 0xBF] + body, as: UTF8.self).utf16
          .flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
      }),
    FaultEffect(
      "set-cookie", "a cookie",
      .content { answer, _ in answer.with(HTTPField("Set-Cookie", "session=1; Path=/")) }),
    FaultEffect(
      "gzip-bomb", "a body that unpacks to that many bytes",
      takes: [.integer("bytes", 1...1_000_000_000, 300_000_000)],
      .content { answer, fault in
        answer.with(HTTPField("Content-Encoding", "gzip"))
          .with(body: GzipBomb.bytes(unpackingTo: fault["bytes"]))
      }),
  ]

  private static let wires: [FaultEffect] = [
    FaultEffect(
      "drop-after-accept", "carry out, then reset without an answer",
      .silent { writer, _ in writer.connection.resetOnClose() }),
    FaultEffect("close-after-accept", "carry out, then close without an answer", .silent()),
    FaultEffect(
      "reset-after-read", "read the whole request, do nothing, reset",
      .silent(isCarriedOut: false) { writer, _ in writer.connection.resetOnClose() }),
    FaultEffect(
      "close-after-read", "read the whole request, do nothing, close",
      .silent(isCarriedOut: false)),
    FaultEffect(
      "keepalive-close", "close-after-read, from the second request of a connection on",
      takes: [.flag("accepted")], on: [.reusesConnection], .silent(isCarriedOut: false)),
    FaultEffect(
      "hang", "no answer; the connection stays open until the time is over or the client ends it",
      takes: [.milliseconds(3_600_000), .flag("accepted")],
      .silent(isCarriedOut: false) { $0.connection.awaitEnd(milliseconds: $1["ms"]) }),
    FaultEffect(
      "cut-header", "carry out, send half a header, close",
      .bytes(isAnswered: false, isComplete: false) {
        AnswerWriter.cutHeader($0.head(keepsAlive: true, date: $1))
      }),
    FaultEffect(
      "cut-body", "carry out, send the header and half the body, close",
      .bytes(isComplete: false) {
        $0.head(keepsAlive: true, date: $1) + $0.body.prefix($0.body.count / 2)
      }),
    FaultEffect(
      "drip", "carry out, answer one byte at a time, that far apart", takes: [.milliseconds(500)],
      .writing { writer, answer, fault in try writer.drip(answer, fault["ms"]) }),
    FaultEffect(
      "chunked", "answer in chunks, as is allowed",
      .bytes { AnswerWriter.chunked($0, $1, halves: 2, end: "0\r\n\r\n") }),
    FaultEffect(
      "bad-chunk", "answer in chunks, one with a malformed size",
      .bytes(isComplete: false) {
        AnswerWriter.chunked($0, $1, halves: 1, end: "zz\r\nrubbish\r\n")
      }),
    FaultEffect(
      "two-lengths", "two Content-Length that disagree",
      .bytes(isComplete: false) {
        let other = HTTPField("Content-Length", String($0.body.count + 5))
        return $0.head(keepsAlive: true, date: $1, framing: $0.framing + [other]) + $0.body
      }),
    FaultEffect(
      "obs-fold", "a header field folded over two lines",
      .bytes {
        $0.with(HTTPField("X-Folded", "one\r\n two")).bytes(keepsAlive: true, date: $1)
      }),
    FaultEffect(
      "nul-header", "a NUL in a header field",
      .bytes { $0.with(HTTPField("X-Nul", "a\u{0}b")).bytes(keepsAlive: true, date: $1) }),
    FaultEffect(
      "big-header", "that many bytes of header",
      takes: [.integer("bytes", 1...100_000_000, 2_000_000)],
      .writing { writer, answer, fault in try writer.sendBigHeader(answer, fault["bytes"]) }),
    FaultEffect(
      "garbage", "bytes that are no HTTP",
      .bytes(isAnswered: false, isComplete: false) { _, _ in
        (0..<512).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) | 0x80 }
      }),
    FaultEffect(
      "http09", "the body alone, as HTTP/0.9 had it",
      .bytes(isAnswered: false, isComplete: false) { answer, _ in answer.body }),
    FaultEffect(
      "huge", "a body of that many bytes",
      takes: [.integer("bytes", 1...10_000_000_000, 400_000_000)],
      .writing { writer, answer, fault in try writer.sendHuge(answer, fault["bytes"]) }),
    FaultEffect(
      "close-after-answer", "promise to keep the connection, close it after the answer",
      .bytes(isComplete: false) { $0.bytes(keepsAlive: true, date: $1) }),
    FaultEffect(
      "idle-close", "answer, then close when the connection is idle for that long",
      takes: [.milliseconds(2000)],
      .writing { writer, answer, fault in
        _ = try writer.write(answer)
        return .wait(fault["ms"])
      }),
    FaultEffect(
      "connection-close", "answer with Connection: close, as is allowed",
      .writing { writer, answer, _ in
        try writer.send(answer.bytes(keepsAlive: false, date: writer.date))
        return .close
      }),
  ]
}

/// Actions that several effects share.
extension FaultEffect.Action {
  fileprivate static func ending(
    _ act: @escaping @Sendable (APIExchange, Fault) throws -> Void
  ) -> Self {
    .opening { exchange, fault in
      exchange.log(nil)
      try act(exchange, fault)
      return .done(.close)
    }
  }

  fileprivate static func body(_ change: @escaping @Sendable ([UInt8]) -> [UInt8]) -> Self {
    .content { answer, _ in answer.with(body: change(answer.body)) }
  }

  fileprivate static func members(
    _ change: @escaping @Sendable (SpoiledJSON.Members) -> SpoiledJSON.Members
  ) -> Self {
    .body { SpoiledJSON.rewriting($0, change) }
  }

  fileprivate static func inserting(_ members: @escaping @Sendable (Fault) -> String) -> Self {
    .content { $0.with(body: SpoiledJSON.inserting(members($1), into: $0.body)) }
  }

  /// Closes the connection without an answer.
  fileprivate static func silent(
    isCarriedOut: Bool = true,
    _ end: @escaping @Sendable (AnswerWriter, Fault) -> Void = { _, _ in }
  ) -> Self {
    .wire(
      FaultEffect.Wire(isCarriedOut: isCarriedOut, isAnswered: false) { writer, _, fault in
        end(writer, fault)
        return .close
      })
  }

  /// Sends other bytes in place of the answer's; the connection stays where they are a complete answer.
  fileprivate static func bytes(
    isAnswered: Bool = true, isComplete: Bool = true,
    _ bytes: @escaping @Sendable (Answer, _ date: UTCTime) -> [UInt8]
  ) -> Self {
    .wire(
      FaultEffect.Wire(isAnswered: isAnswered) { writer, answer, _ in
        try writer.send(bytes(answer, writer.date))
        return isComplete ? writer.after : .close
      })
  }

  fileprivate static func writing(_ write: @escaping FaultEffect.Write) -> Self {
    .wire(FaultEffect.Wire(write: write))
  }
}
