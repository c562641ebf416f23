import IntakeCore

/// Reads the header of an answer line by line, interim answers (1xx) included.
struct ResponseHead {
  /// Enough for any API; libcurl itself would take 300 KB.
  static let sizeLimit = 65_536
  /// A server that floods with interim answers is cut off after this many.
  static let interimLimit = 16

  private(set) var status = 0
  private(set) var fields: [HTTPField] = []
  /// Whether the blank line after the final header was seen.
  private(set) var isComplete = false
  private(set) var wasContinued = false
  private(set) var problem: Unanswered.Reason?
  private var interims = 0
  private var size = 0
  private var isInside = false

  /// Takes one line with its line end; false if the answer can't be used.
  mutating func take(_ line: UnsafeRawBufferPointer) -> Bool {
    size += line.count
    guard size <= ResponseHead.sizeLimit else { return fail(.tooLarge) }
    // Only the trailers of a chunked body follow, which nobody asked for.
    if isComplete { return true }
    guard line.last == 0x0A else { return fail(.malformed) }
    let content = line.dropLast(line.dropLast().last == 0x0D ? 2 : 1)
    guard !content.contains(where: { $0 == 0 || $0 == 0x0A || $0 == 0x0D }) else {
      return fail(.malformed)
    }
    if !isInside { return start(content) }
    return content.isEmpty ? end() : field(content)
  }

  /// The answer with a body; nil before the header is complete.
  func response(body: [UInt8]) -> HTTPResponse? {
    isComplete ? HTTPResponse(status: status, headers: fields, body: body) : nil
  }

  private mutating func fail(_ reason: Unanswered.Reason) -> Bool {
    problem = reason
    return false
  }

  /// `HTTP/1.1 200 OK`: three digits between 100 and 599 after the version.
  private mutating func start(_ line: Slice<UnsafeRawBufferPointer>) -> Bool {
    let words = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count >= 2, words[0].starts(with: "HTTP/1.".utf8), words[1].count == 3,
      words[1].allSatisfy(\.isASCIIDigit)
    else { return fail(.malformed) }
    status = words[1].reduce(0) { $0 * 10 + Int($1 - 0x30) }
    fields = []
    isInside = true
    return (100...599).contains(status) && status != 101 || fail(.malformed)
  }

  private mutating func field(_ line: Slice<UnsafeRawBufferPointer>) -> Bool {
    // A line that starts with white space would continue the last one (obs-fold), which RFC 9112 §5.2 forbids.
    guard let colon = line.firstIndex(of: 0x3A), colon > line.startIndex,
      line[..<colon].allSatisfy({ $0.isASCIIPrintable && $0 != 0x20 })
    else { return fail(.malformed) }
    let value = line[line.index(after: colon)...].drop { $0 == 0x20 || $0 == 0x09 }
    let end = value.lastIndex { $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? value.startIndex
    fields.append(
      HTTPField(
        String(decoding: line[..<colon], as: UTF8.self),
        String(decoding: value[..<end], as: UTF8.self)))
    return true
  }

  private mutating func end() -> Bool {
    isInside = false
    guard status < 200 else {
      isComplete = true
      // With two different lengths, nobody knows where the body ends (RFC 9112 §6.3).
      let lengths = fields.filter { $0.name.lowercased() == "content-length" }.map(\.value)
      return Set(lengths).count <= 1 || fail(.malformed)
    }
    wasContinued = wasContinued || status == 100
    interims += 1
    return interims <= ResponseHead.interimLimit || fail(.malformed)
  }
}
