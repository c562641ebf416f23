import IntakeCore

/// Why a request isn't served: the status and the message of the answer.
struct RequestFailure: Error {
  let status: Int
  /// Nil for the words that the vendor has for the status.
  let message: String?
  /// What is wrong, field by field; only Noah says so.
  var complaints: [NoahComplaint] = []
  /// Noah's word for the failure if it doesn't follow from the status.
  var noahType: String?

  init(_ status: Int, _ message: String?) { (self.status, self.message) = (status, message) }

  static func malformed(_ message: String) -> Self { Self(400, message) }
}

/// Request line and header fields of a request (RFC 9112), read strictly.
struct RequestHead: Sendable {
  let method: String
  let path: String
  let query: String
  /// The values of each field, by its name in lower case.
  private let headers: [String: [String]]
  /// HTTP/1.1, as opposed to 1.0.
  let isCurrent: Bool
  let framing: Framing

  enum Framing: Sendable, Equatable {
    case length(Int)
    case chunked
  }

  /// The most header fields; clients send about ten.
  private static let mostFields = 200

  /// Parses the lines before the empty one.
  init(parsing lines: [[UInt8]]) throws(RequestFailure) {
    let words = (lines.first ?? []).split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 3, RequestHead.isToken(words[0]), words[0].count <= 32,
      words[1].allSatisfy({ $0.isASCIIPrintable && $0 != 0x20 }), !words[1].isEmpty
    else { throw .malformed("the request line is malformed") }
    method = RequestHead.text(words[0])
    let version = RequestHead.text(words[2])
    isCurrent = version == "HTTP/1.1"
    guard isCurrent || version == "HTTP/1.0" else {
      throw version.hasPrefix("HTTP/")
        ? RequestFailure(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        : .malformed("the request line is malformed")
    }
    (path, query) = try RequestHead.target(RequestHead.text(words[1]))
    guard lines.count - 1 <= RequestHead.mostFields else {
      throw RequestFailure(431, "more than \(RequestHead.mostFields) fields")
    }
    var headers: [String: [String]] = [:]
    for line in lines.dropFirst() {
      let (name, value) = try RequestHead.field(line)
      headers[name.lowercased(), default: []].append(value)
    }
    self.headers = headers
    framing = try RequestHead.framing(headers)
  }

  /// The first value of a field, whose name is given in lower case.
  subscript(name: String) -> String? { headers[name]?.first }

  /// Whether it asks for something and changes nothing.
  var isReading: Bool { method == "GET" || method == "HEAD" }

  var keepsAlive: Bool {
    let wish = self["connection"]?.lowercased() ?? ""
    return isCurrent ? !wish.contains("close") : wish.contains("keep-alive")
  }

  var expectsContinue: Bool {
    guard isCurrent, framing != .length(0) else { return false }
    return self["expect"]?.lowercased() == "100-continue"
  }

  /// Whether the request means this machine; a web page whose name was rebound to 127.0.0.1 sends its own name.
  var isForLoopback: Bool {
    guard let host = self["host"]?.lowercased() else { return true }
    return ["127.0.0.1", "localhost", "[::1]"].contains { host == $0 || host.hasPrefix($0 + ":") }
  }

  /// The parameters of the query, decoded, in order.
  var parameters: [(name: String, value: String)] {
    query.split(separator: "&").map { pair in
      let (name, value) = pair.halves(at: "=") ?? (String(pair), "")
      return (
        PercentText.decoded(name, plusIsSpace: true), PercentText.decoded(value, plusIsSpace: true)
      )
    }
  }

  func parameter(_ name: String) -> String? { parameters.first { $0.name == name }?.value }
}

extension RequestHead {
  private static func text(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  private static func isToken(_ bytes: ArraySlice<UInt8>) -> Bool {
    !bytes.isEmpty && bytes.allSatisfy(\.isHTTPToken)
  }

  /// Splits the target into path and query; accepts the absolute form that proxies get (RFC 9112 §3.2.2).
  private static func target(_ text: String) throws(RequestFailure) -> (String, String) {
    var target = text[...]
    if target.hasPrefix("http://") {
      let afterScheme = target.dropFirst("http://".count)
      target = afterScheme.firstIndex(of: "/").map { afterScheme[$0...] } ?? "/"
    }
    guard target.hasPrefix("/") else { throw .malformed("the request target isn't a path") }
    return target.halves(at: "?") ?? (String(target), "")
  }

  private static func field(_ line: [UInt8]) throws(RequestFailure) -> (String, String) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), isToken(line[..<colon]) else {
      throw .malformed("a header field is malformed")
    }
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
    let value = line[(colon + 1)...].drop(while: isSpace)
    guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
      throw .malformed("a header field holds a control character")
    }
    let end = value.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? value.startIndex
    return (text(line[..<colon]), text(value[..<end]))
  }

  private static func framing(_ headers: [String: [String]]) throws(RequestFailure) -> Framing {
    let lengths = headers["content-length"]
    if let codings = headers["transfer-encoding"] {
      // Requests are smuggled past proxies with both (RFC 9112 §6.1).
      guard lengths == nil else { throw .malformed("both Content-Length and Transfer-Encoding") }
      guard codings.map({ $0.lowercased() }) == ["chunked"] else {
        throw RequestFailure(501, "the only transfer coding here is chunked")
      }
      return .chunked
    }
    guard let lengths, let first = lengths.first else { return .length(0) }
    guard Set(lengths).count == 1, first.isASCIIDigits, let length = Int(first)
    else { throw .malformed("Content-Length is malformed") }
    return .length(length)
  }
}
