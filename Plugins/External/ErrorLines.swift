import IntakeCore

/// What a program wrote to standard error, as lines that a terminal and a log can take.
struct ErrorLines: Sequence {
  private let lines: [String]

  /// Lines that one item may add to the log; a traceback has about 30.
  private static let most = 200
  private static let longest = 500

  init(_ text: [UInt8], dropped: Int) {
    let split = text.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D })
    var lines = split.prefix(ErrorLines.most).map {
      Sanitizer.clean(
        String(decoding: $0.prefix(4 * ErrorLines.longest), as: UTF8.self),
        limit: ErrorLines.longest)
    }
    if split.count > lines.count { lines.append("[\(split.count - lines.count) more lines]") }
    if dropped > 0 { lines.append("[\(dropped) more bytes]") }
    self.lines = lines
  }

  /// The last one, which is where most languages say what went wrong.
  var last: String? { lines.last }

  func makeIterator() -> IndexingIterator<[String]> { lines.makeIterator() }
}
