/// A failure inside libcrypto: no memory, or a provider that does not offer the algorithm.
public struct CryptoError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What failed.
  public let description: String

  init(_ call: String) {
    description = "libcrypto failed in \(call); check the installation of OpenSSL 3"
  }
}
