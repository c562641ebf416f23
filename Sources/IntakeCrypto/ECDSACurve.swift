import CCrypto

/// The two curves of JSON Web Signatures that are used (RFC 7518 §3.4), each with its digest.
public enum ECDSACurve: Sendable {
  /// NIST P-256 with SHA-256: `ES256`, 64 bytes.
  case p256
  /// NIST P-384 with SHA-384: `ES384`, 96 bytes.
  case p384

  /// The `alg` of a token's header.
  public var algorithm: String { self == .p256 ? "ES256" : "ES384" }

  /// Bytes of one coordinate; a signature is two of them.
  var width: Int { self == .p256 ? 32 : 48 }

  /// The digest that RFC 7518 pairs with the curve.
  var digest: OpaquePointer? { self == .p256 ? EVP_sha256() : EVP_sha384() }

  /// The curve that a key lies on; nil for other curves and other kinds of keys.
  init?(of key: OpaquePointer) {
    switch ECDSACurve.groupName(of: key) {
    case "prime256v1": self = .p256
    case "secp384r1": self = .p384
    default: return nil
    }
  }

  /// libcrypto's name of the curve, nil for keys that lie on none.
  static func groupName(of key: OpaquePointer) -> String? {
    var name = [CChar](repeating: 0, count: 64)
    var length = 0
    guard EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else { return nil }
    return String(decoding: name.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
