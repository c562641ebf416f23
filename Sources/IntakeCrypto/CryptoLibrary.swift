import CCrypto

/// The library that digests and signs, for `--version`.
public enum CryptoLibrary {
  /// The version that is loaded, such as `3.0.17`; a security update changes it without a new build.
  public static var version: String { String(cString: OpenSSL_version(OPENSSL_VERSION_STRING)) }
}
