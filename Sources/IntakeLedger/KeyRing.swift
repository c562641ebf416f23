package import IntakeCore
import IntakeCrypto
import IntakeSystem

/// The secret keys of a ledger, in a file of their own, 0600: see `KeyPlaces`.
///
/// Without them nobody can find out whether a certain customer is in the ledger. The file holds a line of 64
/// hexadecimal digits for each key: one for a ledger that a run wrote, several for one that was merged from
/// ledgers with different keys.
package struct KeyRing: Sendable {
  /// The first one names new rows.
  let keys: [Secret]
  /// The code under each key.
  private let namers: [MessageAuthentication]
  /// Bytes of a key.
  private static let size = 32

  /// A ring with one new key.
  package static func random() throws(JournalError) -> KeyRing {
    do throws(CryptoError) {
      return KeyRing(keys: [try Secret.random(bytes: size)])
    } catch {
      throw JournalError("a key for the ledger cannot be made: \(error)")
    }
  }

  private init(keys: [Secret]) {
    self.keys = keys
    // Where one cannot be made, `names` finds fewer names than keys.
    namers = keys.compactMap { try? MessageAuthentication(key: $0.exposed) }
  }

  /// The keys of several rings, each once.
  init(joining rings: [KeyRing]) {
    var keys: [Secret] = []
    for key in rings.flatMap(\.keys) where !keys.contains(where: key.matches) { keys.append(key) }
    self.init(keys: keys)
  }

  /// What the keys make fingerprints of; the words are part of them.
  enum Purpose: String {
    /// What the target knows a row's customer by, with target and operation.
    case row
    /// The operator's name for a row.
    case label
    /// The content of a request.
    case content
    /// What a row was made of.
    case cells, files, images
    /// All of what it was made of, and its customer, in format 1.
    case source, customer
    /// The keys themselves.
    case keys
  }

  /// The row's name under each key, in the order of the keys; all of them, because the row may be known by any.
  func names(
    of row: Personal<[UInt8]>, target: String, operation: String
  ) throws(JournalError) -> [Fingerprint] {
    var message = NamedMessage(.row)
    message.add(target.utf8)
    message.add(operation.utf8)
    message.add(row.exposed)
    let names = fingerprints(message)
    guard !names.isEmpty, names.count == keys.count else {
      throw JournalError("the row's key cannot be made: libcrypto fails; check OpenSSL 3")
    }
    return names
  }

  /// The fingerprint of something under each key; none when libcrypto fails.
  func fingerprints(of purpose: Purpose, _ bytes: some Collection<UInt8>) -> [Fingerprint] {
    var message = NamedMessage(purpose)
    message.add(bytes)
    return fingerprints(message)
  }

  /// The fingerprint of what a request says under each key; none when libcrypto fails.
  func digests(of submission: Submission) -> [Fingerprint] {
    (try? KeyRing.content(of: submission)).map { fingerprints(of: .content, $0) } ?? []
  }

  /// A proof that a ledger was made with exactly these keys; it reveals nothing about them.
  func proof() -> Fingerprint? {
    var message = NamedMessage(.keys)
    for key in keys.dropFirst() { message.add(key.exposed) }
    return fingerprints(message).first
  }

  private func fingerprints(_ message: NamedMessage) -> [Fingerprint] {
    namers.compactMap { (try? $0.code(of: message.bytes)).flatMap(Fingerprint.init(digest:)) }
  }

  /// The purpose and the parts, each preceded by its length so that no two lists look alike.
  private struct NamedMessage {
    private(set) var bytes: [UInt8] = []

    init(_ purpose: Purpose) {
      bytes.reserveCapacity(256)
      add(purpose.rawValue.utf8)
    }

    mutating func add(_ part: some Collection<UInt8>) {
      withUnsafeBytes(of: UInt64(part.count).bigEndian) { bytes += $0 }
      bytes += part
    }
  }

  /// The SHA-256 of what a request says, whoever sends it and whenever.
  ///
  /// Method, path and body count; headers don't, because they carry dates and signatures. A secret counts by its
  /// name, between two NUL bytes, which no JSON text holds: a new password changes nothing. How the body is cut
  /// into segments makes no difference.
  private static func content(of submission: Submission) throws(CryptoError) -> [UInt8] {
    var stream = try SHA256Stream()
    try stream.update(Array("\(submission.method)\n\(submission.path)\n".utf8))
    for segment in submission.body {
      if case .secret(let name) = segment {
        try stream.update([0] + Array(name.utf8) + [0])
      } else {
        try stream.update(segment.bytes(with: nil))
      }
    }
    for followUp in submission.followUps {
      try stream.update(Array("\n\0\(followUp.name)\n\(followUp.inquiry.path)\n".utf8))
      for segment in followUp.request.body { try stream.update(segment.bytes(with: nil)) }
    }
    return try stream.finish()
  }
}

// The file.
extension KeyRing {
  /// Reads a key file; nil when there is none.
  package static func read(_ path: String) throws(JournalError) -> KeyRing? {
    guard DurableFile.exists(path) else { return nil }
    let (bytes, permissions) = try JournalError.explaining("the key file \(path) cannot be read") {
      () throws(SystemCallFailure) in
      let file = try AppendOnlyFile.open(path, .reading)
      return (try file.read(at: 0, count: 1 << 20), try file.permissions())
    }
    guard permissions & 0o077 == 0 else {
      throw JournalError(
        "the key file \(path) can be read by others: run `chmod 600` on it and start again")
    }
    return try KeyRing(text: bytes, path: path)
  }

  /// Writes a key file that must not be there yet.
  func write(_ path: String) throws(JournalError) {
    try JournalError.explaining("the key file \(path) cannot be written", try create(path))
  }

  /// Reads a key file, or makes it; processes that make it at the same instant get the same keys.
  ///
  /// - Parameters:
  ///   - ring: the keys of the new file, a new one when nil.
  ///   - other: the file that takes its place where there is none and none may be made.
  static func readOrMake(
    _ path: String, _ ring: KeyRing? = nil, orAt other: String? = nil
  ) throws(JournalError) -> KeyRing {
    if let ring = try read(path) { return ring }
    let ring = if let ring { ring } else { try random() }
    do throws(SystemCallFailure) {
      try DurableFile.makeFolder(DurableFile.folder(of: path))
      try ring.create(path)
      return ring
    } catch {
      if error.code == SystemCallFailure.exists, let other = try read(path) { return other }
      guard let other else {
        throw JournalError("the key file \(path) cannot be written (\(error)): \(error.nextStep)")
      }
      // One that is there and cannot be looked at must not be passed over: with other keys nobody is recognised.
      if error.isForbidden, DurableFile.isMissing(path) { return try readOrMake(other) }
      throw JournalError(
        "the key file \(path) cannot be written (\(error)): set XDG_STATE_HOME to a folder that can be "
          + "written")
    }
  }

  private func create(_ path: String) throws(SystemCallFailure) {
    let text = keys.map { Hex.text($0.exposed) + "\n" }.joined()
    try DurableFile.create(path, Array(text.utf8))
  }

  private init(text: [UInt8], path: String) throws(JournalError) {
    var keys: [Secret] = []
    for line in text.split(separator: UInt8(ascii: "\n")) {
      guard let key = Hex.bytes(line), key.count == KeyRing.size else {
        throw JournalError(
          "line \(keys.count + 1) of the key file \(path) isn't a key of 64 hexadecimal digits: restore the "
            + "file")
      }
      keys.append(Secret(key))
    }
    guard !keys.isEmpty else {
      throw JournalError("the key file \(path) is empty: restore it from a backup")
    }
    self.init(keys: keys)
  }
}

/// The files that may hold the keys of a ledger.
package struct KeyPlaces: Sendable {
  /// The ledger's own key file, `LEDGER.key`, which counts where there is one.
  package let own: String
  /// The key file that all ledgers of a target share; nil for a ledger with keys of its own.
  let shared: String?

  /// Names the files of a ledger.
  package init(of ledger: String, shared: String? = nil) {
    own = ledger + ".key"
    self.shared = shared
  }

  /// Where the keys can be, in the order in which they are tried: the shared file may have moved with the ledger.
  private var all: [String] {
    guard let shared else { return [own] }
    let name = shared.split(separator: "/").last.map(String.init) ?? shared
    return [own, DurableFile.folder(of: own) + "/" + name, shared]
  }

  /// The keys that a ledger was begun with, nil when there is no key file.
  ///
  /// - Parameter proof: what the ledger says of its keys.
  /// - Throws: `JournalError` when the key files that exist belong to other ledgers.
  func keys(provedBy proof: Fingerprint?) throws(JournalError) -> KeyRing? {
    var foreign: String?
    for path in all {
      guard let keys = try KeyRing.read(path) else { continue }
      if proof == nil || keys.proof() == proof { return keys }
      foreign = foreign ?? path
    }
    guard let foreign else { return nil }
    throw JournalError(
      "the key file \(foreign) belongs to another ledger: with it no row would be recognised and all would be "
        + "sent again. Restore the right one")
  }

  /// The keys for a ledger that has no line yet; made where there are none.
  ///
  /// A ledger in another folder than the shared keys gets a copy of them: it may be moved, or outlive this machine. Where
  /// no state directory can be made for them (a container whose HOME is `/`), it has keys of its own.
  func keysForNewLedger() throws(JournalError) -> KeyRing {
    guard let shared else { return try KeyRing.readOrMake(own) }
    if let keys = try KeyRing.read(own) { return keys }
    guard DurableFile.folder(of: shared) != DurableFile.folder(of: own) else {
      return try KeyRing.readOrMake(shared)
    }
    return try KeyRing.readOrMake(own, KeyRing.readOrMake(shared, orAt: own))
  }
}

/// The first 128 bits of an HMAC: what the ledger knows of a row, a customer or a request.
///
/// 128 bits are more than enough: the probability that two of five million rows share one is about 10⁻²⁶.
package struct Fingerprint: Sendable, Hashable {
  let high: UInt64
  let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Takes the first 16 bytes of a digest; nil when there are fewer.
  fileprivate init?(digest: [UInt8]) {
    guard digest.count >= 16 else { return nil }
    (high, low) = digest.withUnsafeBytes {
      (
        UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
        UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
  }

  /// Reads 22 characters of URL-safe base64 without padding; nil for anything else.
  package init?(_ text: String) { self.init(Array(text.utf8).span, LineParser.Tables.shared) }

  init?(_ text: Span<UInt8>, _ tables: LineParser.Tables) {
    guard text.count == 22 else { return nil }
    var (bits, all): (UInt128, UInt8) = (0, 0)
    for place in 0..<21 {
      let value = tables.letters[Int(text[place])]
      all |= value
      bits = bits << 6 | UInt128(value)
    }
    // 22 × 6 = 132 bits for 128: four of the last letter must be zero.
    let last = tables.letters[Int(text[21])]
    guard all | last < 64, last & 0xF == 0 else { return nil }
    bits = bits << 2 | UInt128(last >> 4)
    self.init(high: UInt64(bits >> 64), low: UInt64(truncatingIfNeeded: bits))
  }

  /// A short form, never 0: enough to notice a change, with a chance of 1 in 4 billion to miss it.
  var short: UInt32 { max(1, UInt32(truncatingIfNeeded: low)) }
}

extension Fingerprint: CustomStringConvertible {
  /// 22 characters of URL-safe base64.
  package var description: String {
    withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Base64Text.urlSafeText(Array($0)) }
  }
}
