import IntakeCore

/// Writes answers to a connection, properly or spoiled on purpose.
struct AnswerWriter {
  let connection: Connection
  let limits: ServerLimits
  /// The client wants to keep the connection.
  let keepsAlive: Bool
  /// The sandbox's clock.
  var date: Timestamp = .now

  private var after: AfterAnswer { keepsAlive ? .wait(limits.idle) : .close }

  /// Sends bytes as they are.
  func send(_ bytes: [UInt8]) throws(RequestReader.Failure) {
    do { try connection.send(bytes, before: Deadline(milliseconds: limits.answerTime)) } catch {
      throw .connection(error)
    }
  }

  /// Sends an answer as it should be.
  func write(_ answer: Answer) throws(RequestReader.Failure) -> AfterAnswer {
    try send(answer.bytes(keepsAlive: keepsAlive, date: date))
    return after
  }

  /// Sends an answer to a request whose body was not read, and closes.
  func writeEarly(_ answer: Answer) throws(RequestReader.Failure) -> AfterAnswer {
    try send(answer.bytes(keepsAlive: false, date: date))
    connection.finish()
    return .close
  }

  /// Sends an answer the way an effect wants it.
  func write(
    _ answer: Answer, _ effect: WireEffect, _ fault: Fault
  ) throws(RequestReader.Failure) -> AfterAnswer {
    switch effect {
    case .dropAfterAccept, .resetAfterRead: connection.resetOnClose()
    case .closeAfterAccept, .closeAfterRead, .keepaliveClose: break
    case .hang: connection.awaitEnd(milliseconds: fault["ms"])
    case .drip: return try drip(answer.bytes(keepsAlive: keepsAlive, date: date), fault["ms"])
    case .bigHeader: try sendBigHeader(answer, fault["bytes"])
    case .huge: try sendHuge(answer, fault["bytes"])
    case .connectionClose:
      try send(answer.bytes(keepsAlive: false, date: date))
      return .close
    case .idleClose:
      _ = try write(answer)
      return .wait(fault["ms"])
    default:
      try send(AnswerWriter.spoiled(answer, effect, date))
      return AnswerWriter.isComplete(effect) ? after : .close
    }
    return .close
  }

  private static func isComplete(_ effect: WireEffect) -> Bool {
    [.chunked, .obsFold, .nulHeader].contains(effect)
  }

  /// The bytes of the effects that need no more than other bytes.
  private static func spoiled(_ answer: Answer, _ effect: WireEffect, _ date: Timestamp) -> [UInt8]
  {
    let chunks = [HTTPField("Transfer-Encoding", "chunked")]
    let length = answer.framing
    switch effect {
    case .cutHeader: return cutHeader(answer.head(keepsAlive: true, date: date))
    case .cutBody:
      return answer.head(keepsAlive: true, date: date) + answer.body.prefix(answer.body.count / 2)
    case .chunked:
      return answer.head(keepsAlive: true, date: date, framing: chunks)
        + chunk(answer.body[..<(answer.body.count / 2)])
        + chunk(answer.body[(answer.body.count / 2)...]) + Array("0\r\n\r\n".utf8)
    case .badChunk:
      return answer.head(keepsAlive: true, date: date, framing: chunks)
        + chunk(answer.body[..<(answer.body.count / 2)]) + Array("zz\r\nrubbish\r\n".utf8)
    case .twoLengths:
      let other = HTTPField("Content-Length", String(answer.body.count + 5))
      return answer.head(keepsAlive: true, date: date, framing: length + [other]) + answer.body
    case .obsFold:
      let folded = HTTPField("X-Folded", "one\r\n two")
      return answer.head(keepsAlive: true, date: date, framing: [folded] + length) + answer.body
    case .nulHeader:
      let holed = HTTPField("X-Nul", "a\u{0}b")
      return answer.head(keepsAlive: true, date: date, framing: [holed] + length) + answer.body
    case .garbage: return (0..<512).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) | 0x80 }
    case .http09: return answer.body
    default: return answer.bytes(keepsAlive: true, date: date)
    }
  }

  /// Ends amid the name of a field, where a careless reader sees a header without a body.
  private static func cutHeader(_ head: [UInt8]) -> [UInt8] {
    let text = String(decoding: head, as: UTF8.self)
    let place = text.utf8.indices.first { text.utf8[$0...].starts(with: "Content-Le".utf8) }
    return place.map { Array(text.utf8[..<$0]) + Array("Content-Le".utf8) }
      ?? Array(head.prefix(head.count / 2))
  }

  private static func chunk(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    bytes.isEmpty
      ? [] : Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8)
  }

  private func drip(_ bytes: [UInt8], _ gap: Int) throws(RequestReader.Failure) -> AfterAnswer {
    for byte in bytes {
      try send([byte])
      do { try connection.pause(milliseconds: gap) } catch { throw .connection(error) }
    }
    return after
  }

  private func sendBigHeader(_ answer: Answer, _ size: Int) throws(RequestReader.Failure) {
    let head = answer.head(keepsAlive: false, date: date)
    try send(Array(head.dropLast(2)))
    let line = Array("X-Filler: \(String(repeating: "x", count: 1010))\r\n".utf8)
    for _ in 0..<(size / line.count + 1) { try send(line) }
    try send(Array("\r\n".utf8) + answer.body)
  }

  private func sendHuge(_ answer: Answer, _ size: Int) throws(RequestReader.Failure) {
    let length = [HTTPField("Content-Length", String(size))]
    try send(answer.head(keepsAlive: false, date: date, framing: length))
    let piece = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 16)
    var left = size
    while left > 0 {
      try send(left >= piece.count ? piece : Array(piece[..<left]))
      left -= piece.count
    }
  }
}
