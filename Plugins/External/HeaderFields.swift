import IntakeCore

/// Header fields from a program, checked so that they can neither end the header nor stand for credentials.
struct HeaderFields {
  private(set) var fields: [HTTPField] = []

  /// More than any API asks for.
  private static let most = 100
  private static let longest = 8_192
  /// Fields that the transport writes, that steer the connection, or that only the target may set.
  private static let reserved: Set<String> = [
    "host", "content-length", "transfer-encoding", "expect", "connection", "keep-alive", "te",
    "trailer", "upgrade", "authorization", "proxy-authorization", "cookie",
  ]

  /// Reads `[["Name","value"],…]`.
  init(_ list: JSONValue, _ marks: SecretMarks) throws(StageFailure) {
    guard let elements = list.elements, elements.count <= HeaderFields.most else {
      throw HeaderFields.refusal("are no list of at most \(HeaderFields.most) pairs")
    }
    for element in elements {
      let pair = element.elements?.compactMap(\.string) ?? []
      guard pair.count == 2, element.elements?.count == 2 else {
        throw HeaderFields.refusal("hold something else than [name, value]")
      }
      try HeaderFields.check(name: pair[0], value: pair[1])
      guard !marks.stand(in: pair[0] + pair[1]) else {
        throw HeaderFields.refusal("hold the mark of a secret, which belongs into the body")
      }
      fields.append(HTTPField(pair[0], pair[1]))
    }
  }

  private static func check(name: String, value: String) throws(StageFailure) {
    guard !name.isEmpty, name.utf8.count <= 100, name.utf8.allSatisfy(isTokenByte) else {
      throw refusal("hold a name that is no token (RFC 9110, 5.6.2)")
    }
    guard !reserved.contains(name.lowercased()) else {
      throw refusal("hold \"\(name)\", which a stage cannot set")
    }
    guard value.utf8.count <= longest,
      value.utf8.allSatisfy({ $0 == 0x09 || $0 >= 0x20 && $0 != 0x7F })
    else { throw refusal("hold a value with control characters or of more than \(longest) bytes") }
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: return true
    default: return "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  private static func refusal(_ what: String) -> StageFailure {
    StageFailure(.stageProtocol, "the program's header fields \(what)")
  }
}
