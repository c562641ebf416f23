package import IntakeCore
import IntakeCrypto
import IntakeSystem

/// The secret keys of a ledger, in a file of its own beside it: `LEDGER.key`, 0600.
///
/// With the ledger alone nobody can find out whether a certain customer is in it. The file holds a line of 64
/// hexadecimal digits for each key: one for a ledger that was written by a run, several for one that was
/// merged from the ledgers of several machines.
package struct KeyRing: Sendable, Equatable {
  /// The keys; the first makes the names of rows that are new.
  let keys: [Secret256]

  /// A ring with one new key.
  package static func random() throws(JournalError) -> KeyRing {
    do throws(CryptoError) {
      return KeyRing(keys: [try Secret256.random()])
    } catch {
      throw JournalError("a key for the ledger cannot be made: \(error)")
    }
  }

  private init(keys: [Secret256]) { self.keys = keys }

  /// The keys of several rings, each once.
  init(joining rings: [KeyRing]) {
    var keys: [Secret256] = []
    for key in rings.flatMap(\.keys) where !keys.contains(key) { keys.append(key) }
    self.init(keys: keys)
  }

  /// The name of the key file of a ledger.
  package static func path(for ledger: String) -> String { ledger + ".key" }

  /// The row's name under each key, in the order of the keys.
  func keys(of row: [UInt8], target: String, operation: String) -> [Fingerprint] {
    fingerprints("row", [Array(target.utf8), Array(operation.utf8), row])
  }

  /// The customer's name under each key.
  func customers(_ customer: String) -> [Fingerprint] {
    fingerprints("customer", [Array(customer.utf8)])
  }

  /// The content's name under each key; `content` is the SHA-256 of the canonical form.
  func digests(of content: [UInt8]) -> [Fingerprint] { fingerprints("content", [content]) }

  /// The name of what a row was made of under each key.
  func sources(_ source: [UInt8]) -> [Fingerprint] { fingerprints("source", [source]) }

  /// A proof that a ledger was made with exactly these keys; it tells nothing about them.
  func proof() -> Fingerprint? {
    guard let first = keys.first else { return nil }
    return fingerprint("keys", keys.dropFirst().map(\.bytes), first)
  }

  private func fingerprints(_ purpose: String, _ parts: [[UInt8]]) -> [Fingerprint] {
    keys.compactMap { fingerprint(purpose, parts, $0) }
  }

  /// HMAC over the purpose and the parts, each with its length before it so that no two lists look alike.
  private func fingerprint(_ purpose: String, _ parts: [[UInt8]], _ key: Secret256) -> Fingerprint?
  {
    var message: [UInt8] = []
    for part in [Array(purpose.utf8)] + parts {
      message += (0..<8).map { UInt8(truncatingIfNeeded: part.count >> (56 - 8 * $0)) }
      message += part
    }
    return (try? Digest.hmacSHA256(message, key: key)).flatMap(Fingerprint.init(digest:))
  }
}

// The file.
extension KeyRing {
  /// Reads the key file of a ledger; nil when there is none.
  package static func read(for ledger: String) throws(JournalError) -> KeyRing? {
    let path = path(for: ledger)
    guard DurableFile.exists(path) else { return nil }
    let (bytes, permissions) = try JournalError.explaining(
      "the ledger's key file \(path) cannot be read"
    ) { () throws(SystemCallFailure) in
      let file = try AppendOnlyFile.open(path, .reading)
      return (try file.read(at: 0, count: 1 << 20), try file.permissions())
    }
    guard permissions & 0o077 == 0 else {
      throw JournalError(
        "the ledger's key file \(path) can be read by others: run `chmod 600` on it and start again"
      )
    }
    return try KeyRing(text: bytes, path: path)
  }

  /// Writes the key file of a ledger that has none.
  func write(for ledger: String) throws(JournalError) {
    let path = KeyRing.path(for: ledger)
    let lines = keys.map { $0.bytes.flatMap(KeyRing.hex) + [UInt8(ascii: "\n")] }
    try JournalError.explaining("the ledger's key file \(path) cannot be written") {
      () throws(SystemCallFailure) in try DurableFile.create(path, Array(lines.joined()))
    }
  }

  private init(text: [UInt8], path: String) throws(JournalError) {
    var keys: [Secret256] = []
    for line in text.split(separator: UInt8(ascii: "\n")) {
      guard let bytes = KeyRing.bytes(line), let key = Secret256(bytes) else {
        throw JournalError(
          "line \(keys.count + 1) of the key file \(path) is no key of 64 hexadecimal digits: restore the file"
        )
      }
      keys.append(key)
    }
    guard !keys.isEmpty else {
      throw JournalError("the key file \(path) is empty: restore it from a backup")
    }
    self.init(keys: keys)
  }

  private static func hex(_ byte: UInt8) -> [UInt8] {
    [byte >> 4, byte & 15].map { $0 < 10 ? 0x30 + $0 : 0x57 + $0 }
  }

  private static func bytes(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
    guard digits.count == 2 * Secret256.size else { return nil }
    var bytes: [UInt8] = []
    for (position, digit) in digits.enumerated() {
      guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
      if position % 2 == 0 {
        bytes.append(UInt8(value) << 4)
      } else {
        bytes[bytes.count - 1] |= UInt8(value)
      }
    }
    return bytes
  }
}
