/// The first 128 bits of an HMAC: what the ledger knows of a row, a customer or a request.
///
/// 22 characters of URL-safe base64 as text. 128 bits are enough by far: among five million rows two share one
/// with a probability of about 10⁻²⁶.
public struct Fingerprint: Sendable, Hashable {
  let high: UInt64
  let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Takes the first 16 bytes of a digest; nil when there are fewer.
  init?(digest: [UInt8]) {
    guard digest.count >= 16 else { return nil }
    high = digest[..<8].reduce(0) { $0 << 8 | UInt64($1) }
    low = digest[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Reads 22 characters of URL-safe base64 without padding; nil for anything else.
  public init?(_ text: String) { self.init(Array(text.utf8), 0..<text.utf8.count) }

  init?(_ bytes: [UInt8], _ range: Range<Int>) {
    guard range.count == 22 else { return nil }
    let values = Fingerprint.values
    var (high, low) = (UInt64(0), UInt64(0))
    for position in 0..<22 {
      let value = values[Int(bytes[range.lowerBound + position])]
      guard value < 64 else { return nil }
      // 22 × 6 = 132 bits for 128: the last character gives its upper two bits, the others must be zero.
      let (bits, width) = position == 21 ? (value >> 4, UInt64(2)) : (value, 6)
      guard position < 21 || value & 0xF == 0 else { return nil }
      high = high << width | low >> (64 - width)
      low = low << width | UInt64(bits)
    }
    self.init(high: high, low: low)
  }

  /// Appends the 22 characters.
  func write(to bytes: inout [UInt8]) {
    for position in 0..<22 {
      let shift = 128 - 6 * (position + 1)
      bytes.append(Fingerprint.alphabet[Int(bits(from: shift) & 63)])
    }
  }

  private func bits(from shift: Int) -> UInt64 {
    if shift < 0 { return low << UInt64(-shift) }
    if shift >= 64 { return high >> UInt64(shift - 64) }
    return low >> UInt64(shift) | (shift > 58 ? high << UInt64(64 - shift) : 0)
  }

  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 0xFF, count: 256)
    for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
    return values
  }()
}

extension Fingerprint: CustomStringConvertible {
  /// 22 characters of URL-safe base64.
  public var description: String {
    var bytes: [UInt8] = []
    write(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
