/// JSON Web Tokens in the compact form (RFC 7515 §3.1).
public enum CompactToken {
  /// `header.claims.signature`, signed with the key; the claims are the text of a JSON object.
  public static func sign(claims: String, with key: ECDSAPrivateKey) throws(CryptoError) -> String {
    let header = #"{"alg":"\#(key.curve.algorithm)","typ":"JWT"}"#
    let signed = urlSafe(Array(header.utf8)) + "." + urlSafe(Array(claims.utf8))
    return signed + "." + urlSafe(try key.signature(of: Array(signed.utf8)))
  }

  /// Base64 with `-` and `_`, without padding (RFC 4648 §5).
  static func urlSafe(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var result: [UInt8] = []
    result.reserveCapacity((bytes.count * 4 + 2) / 3)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let number = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for place in 0...group.count { result.append(alphabet[number >> (18 - 6 * place) & 63]) }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
