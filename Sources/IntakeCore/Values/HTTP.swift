/// One header field.
public struct HTTPField: Sendable, Hashable {
  /// The name; compared without regard to case (RFC 9110 §5.1).
  public let name: String
  /// The value without leading or trailing white space.
  public let value: String

  /// Makes a field.
  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A request as it goes out: credentials included, so it is made late and never kept.
public struct HTTPRequest: Sendable {
  /// Method in capitals.
  public var method: String
  /// The whole address.
  public var url: String
  /// Header fields besides `Host`, `Content-Length` and `Expect`, which the transport writes.
  public var headers: [HTTPField]
  /// The body in pieces, sent one after the other.
  public var body: [[UInt8]]

  /// Makes a request.
  public init(method: String, url: String, headers: [HTTPField], body: [[UInt8]]) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }

  /// Bytes of the body.
  public var bodySize: Int { body.reduce(0) { $0 + $1.count } }
}

/// A complete answer: the header and the whole body were read.
public struct HTTPResponse: Sendable {
  /// Status code, 200 to 599.
  public let status: Int
  /// Header fields in order of arrival.
  public let headers: [HTTPField]
  /// The body, capped by the transport.
  public let body: [UInt8]

  /// Makes an answer.
  public init(status: Int, headers: [HTTPField], body: [UInt8]) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// The first value of a header field, found without regard to case.
  public subscript(header name: String) -> String? {
    let wanted = name.lowercased()
    return headers.first { $0.name.lowercased() == wanted }?.value
  }
}
