/// Base64 (RFC 4648): the standard alphabet with padding (§4), and the URL-safe one without (§5).
///
/// Foundation would do, but it costs a conversion to `Data` and back, and 40 MB of libraries.
public enum Base64Text {
  /// An alphabet of 64 letters, and the way back.
  private struct Alphabet: Sendable {
    let letters: [UInt8]
    /// The value of each byte, 0xFF for bytes outside the alphabet.
    let values: [UInt8]

    init(last: String) {
      letters = Array(
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + last).utf8)
      var values = [UInt8](repeating: 0xFF, count: 256)
      for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
      self.values = values
    }
  }

  private static let standard = Alphabet(last: "+/")
  private static let urlSafe = Alphabet(last: "-_")

  /// What each byte stands for among the URL-safe letters, 0 to 63, and 0xFF for the others.
  ///
  /// For readers of millions of short texts, to whom an array each would cost more than the letters do.
  public static let urlSafeValues = urlSafe.values

  private static let padding = UInt8(ascii: "=")

  // MARK: Encoding

  /// Four ASCII characters for each three bytes, `=` where the last group is short; no line breaks.
  public static func encode(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: EncodedImage.encodedSize(of: bytes.count)) {
      output, count in
      count = writePadded(bytes, to: output)
    }
  }

  /// The same as a text.
  public static func text(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: EncodedImage.encodedSize(of: bytes.count)) {
      writePadded(bytes, to: $0)
    }
  }

  /// URL-safe and without padding, as JSON Web Tokens want it.
  public static func urlSafeText(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: EncodedImage.encodedSize(of: bytes.count)) {
      write(bytes, as: urlSafe, to: $0)
    }
  }

  private static func writePadded(
    _ bytes: [UInt8], to output: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    let letters = write(bytes, as: standard, to: output)
    let size = EncodedImage.encodedSize(of: bytes.count)
    for place in letters..<size { output.initializeElement(at: place, to: padding) }
    return size
  }

  /// Writes the letters without padding; returns how many.
  private static func write(
    _ bytes: [UInt8], as alphabet: Alphabet, to output: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    let (bytes, letters) = (bytes.span, alphabet.letters.span)
    var (start, place) = (0, 0)
    while start + 3 <= bytes.count {
      let group = Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
      output.initializeElement(at: place, to: letters[group >> 18])
      output.initializeElement(at: place + 1, to: letters[group >> 12 & 63])
      output.initializeElement(at: place + 2, to: letters[group >> 6 & 63])
      output.initializeElement(at: place + 3, to: letters[group & 63])
      (start, place) = (start + 3, place + 4)
    }
    let rest = bytes.count - start
    guard rest > 0 else { return place }
    let group = Int(bytes[start]) << 16 | (rest > 1 ? Int(bytes[start + 1]) << 8 : 0)
    for letter in 0...rest {
      output.initializeElement(at: place + letter, to: letters[group >> (18 - 6 * letter) & 63])
    }
    return place + rest + 1
  }

  // MARK: Decoding

  /// The bytes of a base64 text in whatever form an answer brings it; nil for anything else.
  ///
  /// Either alphabet, with or without a data URI's prefix, padding, line breaks and blanks.
  public static func decode(_ text: String) -> [UInt8]? {
    let comma = text.hasPrefix("data:") ? text.utf8.firstIndex(of: UInt8(ascii: ",")) : nil
    var letters: [UInt8] = []
    letters.reserveCapacity(text.utf8.count)
    var isPadded = false
    for letter in text.utf8[(comma.map { text.utf8.index(after: $0) } ?? text.startIndex)...]
    where letter > 0x20 {
      switch letter {
      case padding: isPadded = true
      case _ where isPadded: return nil
      case UInt8(ascii: "-"): letters.append(UInt8(ascii: "+"))
      case UInt8(ascii: "_"): letters.append(UInt8(ascii: "/"))
      default: letters.append(letter)
      }
    }
    return decode(letters.span, standard)
  }

  /// The bytes of a text in the standard alphabet, padded, without line breaks; nil for anything else and for no text.
  public static func decodeStrictly(_ text: some StringProtocol) -> [UInt8]? {
    withLetters(of: text) { letters in
      guard !letters.isEmpty, letters.count % 4 == 0 else { return nil }
      let end = (0..<3).first { letters[letters.count - 1 - $0] != padding }
      return end.flatMap { decode(letters.extracting(droppingLast: $0), standard) }
    }
  }

  /// The bytes of a URL-safe text without padding; nil for anything else and for no text.
  public static func decodeURLSafe(_ text: some StringProtocol) -> [UInt8]? {
    withLetters(of: text) { $0.isEmpty ? nil : decode($0, urlSafe) }
  }

  private static func withLetters(
    of text: some StringProtocol, _ body: (Span<UInt8>) -> [UInt8]?
  ) -> [UInt8]? {
    if let bytes = text.utf8.withContiguousStorageIfAvailable({ body($0.span) }) { return bytes }
    return body(Array(text.utf8).span)
  }

  /// Bits of the last letter beyond the last byte are not looked at.
  private static func decode(_ text: Span<UInt8>, _ alphabet: Alphabet) -> [UInt8]? {
    // A single letter at the end would be six bits of nothing.
    guard text.count % 4 != 1 else { return nil }
    var isValid = false
    let result = [UInt8](unsafeUninitializedCapacity: (text.count + 3) / 4 * 3) { output, count in
      (count, isValid) = text.withUnsafeBufferPointer { text in
        alphabet.values.withUnsafeBufferPointer { read(text, $0, into: output) }
      }
    }
    return isValid ? result : nil
  }

  /// Writes the bytes; returns how many, and whether all letters are in the alphabet.
  private static func read(
    _ text: UnsafeBufferPointer<UInt8>, _ values: UnsafeBufferPointer<UInt8>,
    into output: UnsafeMutableBufferPointer<UInt8>
  ) -> (count: Int, isValid: Bool) {
    // One test for all letters: a value outside the alphabet sets bits that no letter has.
    var seen: UInt8 = 0
    var (start, place) = (0, 0)
    while start + 4 <= text.count {
      let (first, second) = (values[Int(text[start])], values[Int(text[start + 1])])
      let (third, fourth) = (values[Int(text[start + 2])], values[Int(text[start + 3])])
      seen |= first | second | third | fourth
      output.initializeElement(at: place, to: first << 2 | second >> 4)
      output.initializeElement(at: place + 1, to: second << 4 | third >> 2)
      output.initializeElement(at: place + 2, to: third << 6 | fourth)
      (start, place) = (start + 4, place + 3)
    }
    let rest = text[start...].map { values[Int($0)] }
    for (shift, (high, low)) in zip([UInt8(2), 4], zip(rest, rest.dropFirst())) {
      output.initializeElement(at: place, to: high << shift | low >> (6 - shift))
      place += 1
    }
    return (place, rest.reduce(seen, |) < 64)
  }
}
