import CCrypto

/// A key pair made for a test.
struct KeyPair {
  let privatePEM: [UInt8]
  let publicPEM: [UInt8]
  /// The same key, protected by a passphrase.
  let encryptedPEM: [UInt8]

  struct Failure: Error {}

  /// Makes a key on a curve (`P-384`, `P-256`, `secp256k1`), or one of another kind (`ED25519`).
  init(_ name: String) throws {
    let kind = name == "ED25519" ? name : "EC"
    guard let context = EVP_PKEY_CTX_new_from_name(nil, kind, nil) else { throw Failure() }
    defer { EVP_PKEY_CTX_free(context) }
    var made: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1,
      kind != "EC" || EVP_PKEY_CTX_set_group_name(context, name) == 1,
      EVP_PKEY_keygen(context, &made) == 1, let key = made
    else { throw Failure() }
    defer { EVP_PKEY_free(key) }
    privatePEM = try KeyPair.pem { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
    publicPEM = try KeyPair.pem { PEM_write_bio_PUBKEY($0, key) }
    encryptedPEM = try KeyPair.pem {
      PEM_write_bio_PrivateKey($0, key, EVP_aes_128_cbc(), Array("word".utf8), 4, nil, nil)
    }
  }

  private static func pem(_ write: (OpaquePointer) -> Int32) throws -> [UInt8] {
    guard let memory = BIO_new(BIO_s_mem()) else { throw Failure() }
    defer { BIO_free(memory) }
    guard write(memory) == 1 else { throw Failure() }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = BIO_read(memory, &bytes, Int32(bytes.count))
    return Array(bytes.prefix(Int(count)))
  }
}
