import IntakeCore

/// A request that is carried out, and an answer whose content is not what was documented.
enum ContentEffect: String, FaultKind {
  case html
  case empty
  case truncatedJSON = "truncated-json"
  case wrongTypes = "wrong-types"
  case nullFields = "null-fields"
  case array
  case duplicateKeys = "duplicate-keys"
  case statusLowercase = "status-lowercase"
  case statusUnknown = "status-unknown"
  case statusElsewhere = "status-elsewhere"
  case extraFields = "extra-fields"
  case deepJSON = "deep-json"
  case hugeNumber = "huge-number"
  case loneSurrogate = "lone-surrogate"
  case badUTF8 = "bad-utf8"
  case byteOrderMark = "bom"
  case utf16
  case setCookie = "set-cookie"
  case gzipBomb = "gzip-bomb"

  var parameters: [FaultParameter] {
    switch self {
    case .deepJSON: return [.integer("depth", 1...1_000_000, 100_000)]
    case .gzipBomb: return [.integer("bytes", 1...1_000_000_000, 300_000_000)]
    default: return []
    }
  }

  var summary: String {
    switch self {
    case .html: return "a login page in place of JSON"
    case .empty: return "no body"
    case .truncatedJSON: return "half of the JSON, with a Content-Length that fits"
    case .wrongTypes: return "numbers for texts, texts for objects"
    case .nullFields: return "null for every value"
    case .array: return "the object inside a list"
    case .duplicateKeys: return "result and status twice, with other values"
    case .statusLowercase: return "result and status in lower case"
    case .statusUnknown: return "a status that no page documents"
    case .statusElsewhere: return "the status in the other place: top level or target"
    case .extraFields: return "fields that no page documents"
    case .deepJSON: return "lists nested that deep"
    case .hugeNumber: return "1e400"
    case .loneSurrogate: return "half of a surrogate pair"
    case .badUTF8: return "bytes that are not UTF-8"
    case .byteOrderMark: return "a byte order mark before the JSON"
    case .utf16: return "the JSON in UTF-16"
    case .setCookie: return "a cookie"
    case .gzipBomb: return "a body that unpacks to that many bytes"
    }
  }

  /// The answer with its content spoiled.
  func spoil(_ answer: Answer, _ fault: Fault) -> Answer {
    var result = answer
    switch self {
    case .html: return ContentEffect.page(answer.status, "Please sign in")
    case .setCookie: result.headers.append(HTTPField("Set-Cookie", "session=1; Path=/"))
    case .gzipBomb:
      result.headers.append(HTTPField("Content-Encoding", "gzip"))
      result.body = GzipBomb.bytes(unpackingTo: fault["bytes"])
    default: result.body = spoiled(answer.body, fault)
    }
    return result
  }

  private func spoiled(_ body: [UInt8], _ fault: Fault) -> [UInt8] {
    switch self {
    case .empty: return []
    case .truncatedJSON: return Array(body.prefix(body.count / 2))
    case .array: return Array("[".utf8) + body + Array("]".utf8)
    case .duplicateKeys: return inserting("\"result\":\"Error\",\"status\":\"FAIL\"", into: body)
    case .deepJSON:
      let open = String(repeating: "[", count: fault["depth"])
      let close = String(repeating: "]", count: fault["depth"])
      return inserting("\"deep\":" + open + close, into: body)
    case .hugeNumber: return inserting("\"number\":1e400", into: body)
    case .loneSurrogate: return inserting("\"half\":\"\\ud800\"", into: body)
    case .badUTF8:
      return inserting("\"bytes\":\"?\"", into: body).map { $0 == UInt8(ascii: "?") ? 0xFF : $0 }
    case .byteOrderMark: return [0xEF, 0xBB, 0xBF] + body
    case .utf16:
      let units = Array(String(decoding: [0xEF, 0xBB, 0xBF] + body, as: UTF8.self).utf16)
      return units.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    default: return AnswerRewrite(self).rewritten(body)
    }
  }

  /// Puts raw members in front of an object's own; a body that is no object becomes one.
  private func inserting(_ members: String, into body: [UInt8]) -> [UInt8] {
    guard body.first == UInt8(ascii: "{"), body.count > 2 else {
      return Array("{\(members)}".utf8)
    }
    return Array("{\(members),".utf8) + body.dropFirst()
  }

  /// A small page as web servers and gateways answer it.
  static func page(_ status: Int, _ title: String) -> Answer {
    let text = "<!DOCTYPE html><html><head><title>\(title)</title></head><body><h1>\(title)</h1>"
    let type = HTTPField("Content-Type", "text/html; charset=utf-8")
    return Answer(status, [type], body: Array((text + "</body></html>\n").utf8))
  }
}
