import IntakeCore

/// The table of all effects, by phase, in the order in which they act.
extension FaultEffect {
  static let all = [
    (Phase.opening, openings), (.timing, timings), (.verdict, verdicts), (.content, contents),
    (.wire, wires),
  ].flatMap { phase, effects in
    effects.map { effect in
      var effect = effect
      effect.phase = phase
      return effect
    }
  }

  private static let openings = [
    acts("close-before", "close after the header, the body unread") { exchange, _ in
      exchange.log(nil)
      return .close
    },
    acts("reset-before", "reset after the header, the body unread") { exchange, _ in
      exchange.log(nil)
      exchange.connection.resetOnClose()
      return .close
    },
    // Also written with its status in front: `413-early`.
    acts(
      "early",
      "answer before reading the body, then close (abrupt: reset the upload); "
        + "413-early is short for early=413",
      .integer("status", 300...599, 413), .flag("abrupt")
    ) { exchange, fault in
      exchange.log(fault["status"])
      let answer = exchange.api.refusal(fault["status"])
      guard fault.has("abrupt") else { return try exchange.connection.answerEarly(answer) }
      return try exchange.send(answer.bytes(keepsAlive: false), then: .close)
    },
    acts("417", "answer 417 to Expect: 100-continue, and serve requests without it") {
      exchange, _ in
      guard exchange.head.expectsContinue else { return nil }
      exchange.log(417)
      let answer = exchange.api.refusal(417)
      return try exchange.connection.answer(answer, keepsAlive: exchange.head.keepsAlive)
    },
    acts("never-100", "never send 100 Continue; wait for the body") { exchange, _ in
      exchange.sendsContinue = false
      return nil
    },
    acts("100-flood", "send that many 100 Continue", .integer("count", 1...10_000, 20)) {
      exchange, fault in
      for _ in 0..<fault["count"] { try exchange.connection.sendContinue() }
      exchange.sendsContinue = false
      return nil
    },
    acts("100-close", "send 100 Continue, then close") { exchange, _ in
      exchange.log(nil)
      try exchange.connection.sendContinue()
      return .close
    },
    acts("stall-read", "stop reading, then close", .milliseconds(600_000)) { exchange, fault in
      exchange.log(nil)
      try exchange.connection.pause(milliseconds: fault["ms"])
      return .close
    },
    acts(
      "throttle", "read the body at that many bytes a second",
      .integer("rate", 1...1_000_000_000, 65_536)
    ) { exchange, fault in
      // Ten pieces a second, so that a deadline sees steady progress.
      exchange.pacing = Pacing(bytes: max(1, fault["rate"] / 10), milliseconds: 100)
      return nil
    },
  ]

  private static let timings = [
    changes("latency", "wait before carrying the request out", .milliseconds(40)) {
      $0.latency += $1["ms"]
    },
    changes("slow", "carry it out, then wait before answering", .milliseconds(1000)) {
      $0.slowness += $1["ms"]
    },
    changes(
      "clock", "judge times, and write Date, with a clock that is ahead by that much",
      .integer("seconds", -86_400...86_400, 600)
    ) { $0.clockOffset += $1["seconds"] },
  ]

  private static let verdicts = [
    // Written as the status itself: `429`.
    changes(
      "CODE",
      "answer with this HTTP status, 200 to 599, in the vendor's form; a 2xx is carried out. "
        + "retry-after takes any text, and date+5 for the HTTP date 5 s ahead",
      .text("retry-after"), .flag("accepted"), .flag("html"), .flag("www-authenticate"),
      .text("message")
    ) { exchange, fault in
      let code = fault.code ?? 500
      if fault.isSuccess, exchange.isCarriedOut {
        // A made-up 2xx keeps the vendor's body and changes only the status.
        exchange.answer.status = code
        return
      }
      var answer = exchange.api.refusal(code, fault.text("message"))
      if fault.has("html") { answer = .page(code, Answer.reason(code)) }
      if let wait = fault.text("retry-after") {
        let seconds = wait.hasPrefix("date+") ? Int(wait.dropFirst(5)) : nil
        let date = seconds.map { UTCTime.now.later(by: Double($0)).httpDate }
        answer = answer.with("Retry-After", date ?? wait)
      }
      if fault.has("www-authenticate") {
        answer = answer.with("WWW-Authenticate", "Basic realm=\"sandbox\"")
      }
      exchange.answer = answer
    },
    changes(
      "redirect", "answer a redirect, by default to another path of this server",
      .integer("status", 300...399, 307), .text("location"), .flag("accepted")
    ) { exchange, fault in
      let location = fault.text("location") ?? "/v3/elsewhere"
      exchange.answer = Answer(fault["status"]).with("Location", location)
    },
    changes(
      "result-error", "answer 200 with an error inside", .text("message"),
      .flag("accepted")
    ) { exchange, fault in
      let message = fault.text("message") ?? "The request could not be processed"
      exchange.answer = exchange.api.refusal(400, message)
      exchange.answer.status = 200
    },
    changes(
      "echo-secret", "repeat password and personal fields in the error message",
      .status(400), .flag("accepted")
    ) { exchange, fault in
      let secrets = exchange.call.confidential.joined(separator: " ")
      exchange.answer = exchange.api.refusal(fault["status"], "refused: " + secrets)
    },
    changes(
      "escapes", "put terminal escape sequences into the error message", .status(400),
      .flag("accepted")
    ) { exchange, fault in
      let message = "\u{1B}[2J\u{1B}]0;owned\u{07}\u{202E}\u{9B}31m refused"
      exchange.answer = exchange.api.refusal(fault["status"], message)
    },
    changes(
      "long-message", "make the error message that long",
      .integer("bytes", 1...100_000_000, 1_000_000), .status(400)
    ) { exchange, fault in
      let message = String(repeating: "long ", count: fault["bytes"] / 5 + 1)
      exchange.answer = exchange.api.refusal(fault["status"], message)
    },
  ]

  private static let contents = [
    changes("html", "a login page in place of JSON") { exchange, _ in
      exchange.answer = .page(exchange.answer.status, "Please sign in")
    },
    changes("empty", "no body") { exchange, _ in exchange.answer.body = [] },
    changes("truncated-json", "half of the JSON, with a Content-Length that fits") { exchange, _ in
      exchange.answer.body.removeLast((exchange.answer.body.count + 1) / 2)
    },
    changes("wrong-types", "numbers for texts, texts for objects") { exchange, _ in
      exchange.answer.changeMembers { members in
        members.map { name, value in
          if case .string = value { return (name, .integer(7)) }
          return (name, .string("not what you expect"))
        }
      }
    },
    changes("null-fields", "null for every value") { exchange, _ in
      exchange.answer.changeMembers { $0.map { ($0.0, .null) } }
    },
    changes("array", "the object inside a list") { exchange, _ in
      exchange.answer.body = [0x5B] + exchange.answer.body + [0x5D]
    },
    changes("duplicate-keys", "result and status twice, with other values") { exchange, _ in
      exchange.answer.insert("\"result\":\"Error\",\"status\":\"FAIL\"")
    },
    changes("status-lowercase", "result and status in lower case") { exchange, _ in
      exchange.answer.changeTexts(["status", "result"]) { $0.lowercased() }
    },
    changes("status-unknown", "a status that no page documents") { exchange, _ in
      exchange.answer.changeTexts(["status"]) { _ in "ESCALATED" }
    },
    changes("word", "that text as status, type and Instance", .text("text")) { exchange, fault in
      let word = fault.text("text") ?? "word"
      exchange.answer.changeTexts(["status", "type", "Instance"]) { _ in word }
    },
    changes("status-elsewhere", "the status in the other place: top level or target") {
      exchange, _ in
      exchange.answer.moveStatus()
    },
    changes("extra-fields", "fields that no page documents") { exchange, _ in
      exchange.answer.changeMembers {
        $0 + [("x_added", JSONOutput(fields: [("since", 2031), ("list", [JSONOutput.null])]))]
      }
    },
    changes("deep-json", "lists nested that deep", .integer("depth", 1...1_000_000, 100_000)) {
      exchange, fault in
      let lists = ["[", "]"].map { String(repeating: $0, count: fault["depth"]) }.joined()
      exchange.answer.insert("\"deep\":" + lists)
    },
    changes("huge-number", "1e400") { exchange, _ in exchange.answer.insert("\"number\":1e400") },
    changes("lone-surrogate", "half of a surrogate pair") { exchange, _ in
      exchange.answer.insert("\"half\":\"\\ud800\"")
    },
    changes("bad-utf8", "bytes that are not UTF-8") { exchange, _ in
      exchange.answer.insert("\"bytes\":\"?\"")
      exchange.answer.body = exchange.answer.body.map { $0 == UInt8(ascii: "?") ? 0xFF : $0 }
    },
    changes("bom", "a byte order mark before the JSON") { exchange, _ in
      exchange.answer.body = [0xEF, 0xBB, 0xBF] + exchange.answer.body
    },
    changes("utf16", "the JSON in UTF-16") { exchange, _ in
      let text = "\u{FEFF}" + String(decoding: exchange.answer.body, as: UTF8.self)
      exchange.answer.body = text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    },
    changes("set-cookie", "a cookie") { exchange, _ in
      exchange.answer = exchange.answer.with("Set-Cookie", "session=1; Path=/")
    },
    changes(
      "gzip-bomb", "a body that unpacks to that many bytes",
      .integer("bytes", 1...1_000_000_000, 300_000_000)
    ) { exchange, fault in
      exchange.answer = exchange.answer.with("Content-Encoding", "gzip")
      exchange.answer.body = Answer.gzipBomb(unpackingTo: fault["bytes"])
    },
  ]

  private static let wires = [
    acts("drop-after-accept", "carry out, then reset without an answer", answers: false) {
      exchange, _ in
      exchange.connection.resetOnClose()
      return .close
    },
    acts("close-after-accept", "carry out, then close without an answer", answers: false) {
      _, _ in .close
    },
    acts(
      "reset-after-read", "read the whole request, do nothing, reset", carriesOut: false,
      answers: false
    ) { exchange, _ in
      exchange.connection.resetOnClose()
      return .close
    },
    acts(
      "close-after-read", "read the whole request, do nothing, close", carriesOut: false,
      answers: false
    ) { _, _ in .close },
    acts(
      "keepalive-close", "close-after-read, from the second request of a connection on",
      .flag("accepted"), on: [.reusesConnection], carriesOut: false, answers: false
    ) { _, _ in .close },
    acts(
      "hang",
      "no answer; the connection stays open until the time is over or the client ends it",
      .milliseconds(3_600_000), .flag("accepted"), carriesOut: false, answers: false
    ) { exchange, fault in
      exchange.connection.awaitEnd(milliseconds: fault["ms"])
      return .close
    },
    acts("cut-header", "carry out, send half a header, close", answers: false) { exchange, _ in
      // It ends inside a field's name, where a careless reader sees a header without a body.
      let head = exchange.answer.head(keepsAlive: true)
      let end = head.firstRange(of: "Content-Le".utf8)?.upperBound ?? head.count / 2
      return try exchange.send(Array(head[..<end]), then: .close)
    },
    acts("cut-body", "carry out, send the header and half the body, close") { exchange, _ in
      let half = exchange.answer.body.prefix(exchange.answer.body.count / 2)
      return try exchange.send(exchange.answer.head(keepsAlive: true) + half, then: .close)
    },
    acts("drip", "carry out, answer one byte at a time, that far apart", .milliseconds(500)) {
      exchange, fault in
      for byte in exchange.answer.bytes(keepsAlive: exchange.head.keepsAlive) {
        try exchange.connection.write([byte])
        try exchange.connection.pause(milliseconds: fault["ms"])
      }
      return exchange.after
    },
    acts("chunked", "answer in chunks, as is allowed") { exchange, _ in
      try exchange.send(
        exchange.answer.chunked(halves: 2, end: "0\r\n\r\n"), then: exchange.after)
    },
    acts("bad-chunk", "answer in chunks, one with a malformed size") { exchange, _ in
      try exchange.send(
        exchange.answer.chunked(halves: 1, end: "zz\r\nrubbish\r\n"), then: .close)
    },
    acts("two-lengths", "two Content-Length that disagree") { exchange, _ in
      let size = exchange.answer.body.count
      let lengths = [size, size + 5].map { HTTPField("Content-Length", String($0)) }
      let head = exchange.answer.head(keepsAlive: true, framing: lengths)
      return try exchange.send(head + exchange.answer.body, then: .close)
    },
    acts("obs-fold", "a header field folded over two lines") { exchange, _ in
      let folded = exchange.answer.with("X-Folded", "one\r\n two")
      return try exchange.send(folded.bytes(keepsAlive: true), then: exchange.after)
    },
    acts("nul-header", "a NUL in a header field") { exchange, _ in
      let spoiled = exchange.answer.with("X-Nul", "a\u{0}b")
      return try exchange.send(spoiled.bytes(keepsAlive: true), then: exchange.after)
    },
    acts("big-header", "that many bytes of header", .integer("bytes", 1...100_000_000, 2_000_000)) {
      exchange, fault in
      let line = Array("X-Filler: \(String(repeating: "x", count: 1010))\r\n".utf8)
      try exchange.connection.write(exchange.answer.head(keepsAlive: false).dropLast(2))
      for _ in 0...fault["bytes"] / line.count { try exchange.connection.write(line) }
      return try exchange.send([0x0D, 0x0A] + exchange.answer.body, then: .close)
    },
    acts("garbage", "bytes that are no HTTP", answers: false) { exchange, _ in
      let bytes = (0..<512).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) | 0x80 }
      return try exchange.send(bytes, then: .close)
    },
    acts("http09", "the body alone, as HTTP/0.9 had it", answers: false) { exchange, _ in
      try exchange.send(exchange.answer.body, then: .close)
    },
    acts("huge", "a body of that many bytes", .integer("bytes", 1...10_000_000_000, 400_000_000)) {
      exchange, fault in
      let size = fault["bytes"]
      let length = [HTTPField("Content-Length", String(size))]
      try exchange.connection.write(exchange.answer.head(keepsAlive: false, framing: length))
      let piece = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 16)
      for start in stride(from: 0, to: size, by: piece.count) {
        try exchange.connection.write(Array(piece.prefix(size - start)))
      }
      return .close
    },
    acts("close-after-answer", "promise to keep the connection, close it after the answer") {
      exchange, _ in
      try exchange.send(exchange.answer.bytes(keepsAlive: true), then: .close)
    },
    acts(
      "idle-close", "answer, then close when the connection is idle for that long",
      .milliseconds(2000)
    ) { exchange, fault in
      let bytes = exchange.answer.bytes(keepsAlive: exchange.head.keepsAlive)
      return try exchange.send(bytes, then: .wait(fault["ms"]))
    },
    acts("connection-close", "answer with Connection: close, as is allowed") { exchange, _ in
      try exchange.send(exchange.answer.bytes(keepsAlive: false), then: .close)
    },
  ]
}

/// A row of the table: name, summary, what it takes, and what it does.
extension FaultEffect {
  private static func changes(
    _ name: String, _ summary: String, _ takes: FaultParameter...,
    change: @escaping @Sendable (inout APIExchange, Fault) -> Void
  ) -> Self {
    Self(name: name, summary: summary, parameters: takes) { exchange, fault in
      change(&exchange, fault)
      return nil
    }
  }

  private static func acts(
    _ name: String, _ summary: String, _ takes: FaultParameter...,
    on conditions: [FaultCondition] = [], carriesOut: Bool = true, answers: Bool = true,
    act: @escaping Action
  ) -> Self {
    Self(
      name: name, summary: summary, parameters: takes, conditions: conditions,
      carriesOut: carriesOut, answers: answers, act: act)
  }
}
