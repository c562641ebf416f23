/// Base64 (RFC 4648): the standard alphabet with padding (§4), and the URL-safe one without (§5).
///
/// Foundation would do, but it costs a conversion to `Data` and back, and 40 MB of libraries.
public enum Base64Text {
  private static let alphanumerics =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
  private static let standard = Alphabet(alphanumerics + "+/")
  private static let urlSafe = Alphabet(alphanumerics + "-_")
  private static let padding = UInt8(ascii: "=")

  /// What is written for 6 bits, and for 12 in the order of the bytes in memory.
  private struct Alphabet: Sendable {
    let letters: [UInt8]
    private let pairs: [UInt16]

    init(_ text: String) {
      let letters = Array(text.utf8)
      pairs = (0..<4_096).map { UInt16(letters[$0 >> 6]) | UInt16(letters[$0 & 63]) << 8 }
      self.letters = letters
    }

    /// The eight letters for the six bytes that a word starts with, in the order of the bytes in memory.
    @inline(__always) func letters(for word: UInt64) -> UInt64 {
      let pairs = pairs.span
      var letters: UInt64 = 0
      for pair in 0..<4 {
        let bits = word >> UInt64(52 - 12 * pair) & 4_095
        letters |= UInt64(pairs[Int(truncatingIfNeeded: bits)]) << UInt64(16 * pair)
      }
      return letters.littleEndian
    }
  }

  private static let standardValues = values(of: standard.letters)

  /// What each byte stands for among the URL-safe letters, 0 to 63, and 0xFF for the others.
  ///
  /// For readers of millions of short texts, for whom an array each would cost more than decoding.
  public static let urlSafeValues = values(of: urlSafe.letters)

  private static let valuesOfBoth = zip(standardValues, urlSafeValues).map(min)

  private static func values(of letters: [UInt8]) -> [UInt8] {
    var values = [UInt8](repeating: 0xFF, count: 256)
    for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
    return values
  }

  // MARK: Encoding

  /// Four ASCII characters for each three bytes, `=` where the last group is short; no line breaks.
  public static func encode(_ bytes: [UInt8]) -> [UInt8] {
    let size = EncodedImage.encodedSize(of: bytes.count)
    return [UInt8](unsafeUninitializedCapacity: size) { output, count in
      let letters = write(bytes, as: standard, to: output)
      output[letters..<size].initialize(repeating: padding)
      count = size
    }
  }

  /// The same as a text.
  public static func text(_ bytes: [UInt8]) -> String {
    String(decoding: encode(bytes), as: UTF8.self)
  }

  /// URL-safe and without padding, as JSON Web Tokens want it.
  public static func urlSafeText(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: EncodedImage.encodedSize(of: bytes.count)) {
      write(bytes, as: urlSafe, to: $0)
    }
  }

  /// Writes the letters without padding; returns how many.
  private static func write(
    _ bytes: [UInt8], as alphabet: Alphabet, to output: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    let (input, room) = (bytes.span.bytes, UnsafeMutableRawBufferPointer(output))
    var (start, place) = (0, 0)
    // Six bytes at a time, as long as eight can be read.
    while start + 8 <= input.byteCount {
      let word = input.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self).bigEndian
      room.storeBytes(of: alphabet.letters(for: word), toByteOffset: place, as: UInt64.self)
      (start, place) = (start + 6, place + 8)
    }
    while start < bytes.count {
      let count = min(6, bytes.count - start)
      let word = (0..<count).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(56 - 8 * $1) }
      let letters = UInt64(littleEndian: alphabet.letters(for: word))
      let size = (8 * count + 5) / 6
      for letter in 0..<size {
        let byte = UInt8(truncatingIfNeeded: letters >> UInt64(8 * letter))
        output.initializeElement(at: place + letter, to: byte)
      }
      (start, place) = (start + count, place + size)
    }
    return place
  }

  // MARK: Decoding

  /// The bytes of a base64 text in whatever form an answer has it; nil for anything else.
  ///
  /// Either alphabet, with or without a data URI's prefix, padding, line breaks and blanks.
  public static func decode(_ text: String) -> [UInt8]? {
    let comma = text.hasPrefix("data:") ? text.utf8.firstIndex(of: UInt8(ascii: ",")) : nil
    let encoded = comma.map { text.utf8[$0...].dropFirst() } ?? text.utf8[...]
    let letters = encoded.filter { $0 > 0x20 }
    return decode(letters.dropLast(paddingCount(letters)), valuesOfBoth)
  }

  /// The bytes of a text in the standard alphabet, padded, without line breaks; nil for anything else and for no text.
  public static func decodeStrictly(_ text: some StringProtocol) -> [UInt8]? {
    let letters = Array(text.utf8)
    let padded = paddingCount(letters)
    guard !letters.isEmpty, letters.count % 4 == 0, padded <= 2 else { return nil }
    return decode(letters.dropLast(padded), standardValues)
  }

  /// The bytes of a URL-safe text without padding; nil for anything else and for no text.
  public static func decodeURLSafe(_ text: some StringProtocol) -> [UInt8]? {
    text.isEmpty ? nil : decode(Array(text.utf8)[...], urlSafeValues)
  }

  private static func paddingCount(_ letters: [UInt8]) -> Int {
    letters.reversed().prefix { $0 == padding }.count
  }

  /// Bits of the last letter beyond the last byte are not looked at.
  private static func decode(_ letters: ArraySlice<UInt8>, _ values: [UInt8]) -> [UInt8]? {
    // A single letter at the end would be six bits of nothing.
    guard letters.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(letters.count * 3 / 4)
    var group: UInt32 = 0
    var bits = 0
    for letter in letters {
      let value = values[Int(letter)]
      guard value < 64 else { return nil }
      group = group << 6 | UInt32(value)
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: group >> bits))
      }
    }
    return bytes
  }
}
