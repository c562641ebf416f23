import IntakeCore
import IntakeCrypto

/// A request with its token as a server sees them: it trusts nothing but the public key.
struct ReceivedToken {
  let claims: JSONValue
  private let signed: [UInt8]
  private let signature: [UInt8]

  init?(_ request: HTTPRequest) {
    guard let token = request.headers.first(where: { $0.name == "Api-Signature" })?.value else {
      return nil
    }
    let parts = token.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let claims = try? JSONParser.parse(ReceivedToken.decoded(parts[1]))
    else { return nil }
    self.claims = claims
    signed = Array("\(parts[0]).\(parts[1])".utf8)
    signature = ReceivedToken.decoded(parts[2])
  }

  /// Whether the owner of the key vouched for exactly this request.
  func vouches(for request: HTTPRequest, key: ECDSAPublicKey) throws -> Bool {
    let place = request.url.firstRange(of: "://").map { request.url[$0.upperBound...] } ?? ""
    let path = place.drop { $0 != "/" }.prefix { $0 != "?" }
    let body = Array(request.body.joined())
    let hash = try Digest.sha256(body).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return key.verifies(signature, of: signed) && claims["method"]?.string == request.method
      && claims["path"]?.string == String(path)
      && claims["bodyHash"]?.string == (body.isEmpty ? nil : hash)
  }

  static func decoded(_ text: String) -> [UInt8] {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var bits = 0
    var count = 0
    var bytes: [UInt8] = []
    for digit in text.utf8 {
      guard let value = alphabet.firstIndex(of: digit) else { return [] }
      bits = (bits << 6 | value) & 0xFFFF
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(bits >> count & 255))
      }
    }
    return bytes
  }
}
