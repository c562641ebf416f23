/// The only text that a ledger line holds: characters that need no escape in JSON, and neither space nor `@`.
///
/// Two things rest on that. A line can be read without unescaping. And no single flipped bit turns one of
/// these characters into NUL, so NUL always means a block that was never written.
enum LedgerWord {
  /// Most characters of a text that comes from outside.
  static let limit = 64

  /// Whether a byte may stand in a word: letters, digits and `%+,-./:=_~`.
  static func allows(_ byte: UInt8) -> Bool { allowed[Int(byte)] }

  /// The text with every other byte as `%XX`, so that different texts stay different; cut after `limit` bytes.
  static func encoded(_ text: String, limit: Int = LedgerWord.limit) -> String {
    var result: [UInt8] = []
    for byte in text.utf8 {
      let needsEscape = !allows(byte) || byte == UInt8(ascii: "%")
      guard result.count + (needsEscape ? 3 : 1) <= limit else { break }
      if needsEscape {
        result += [UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
      } else {
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The text that was encoded; what no encoding makes stays as it is.
  static func decoded(_ word: String) -> String {
    var result: [UInt8] = []
    var rest = word.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let code = UInt8(String(Substring(rest.prefix(2))), radix: 16) {
        result.append(code)
        rest = rest.dropFirst(2)
      } else {
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// A server's word such as `PASS`, or `other` for what looks like anything but a short plain word.
  ///
  /// A server could echo an e-mail address where a status belongs; that must not reach the disk.
  static func plain(_ text: String) -> String {
    let isPlain = (1...32).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
    return isPlain ? text : "other"
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    allows(byte) && !"%+,./:=~".utf8.contains(byte)
  }

  private static let hexDigits = Array("0123456789ABCDEF".utf8)

  /// Whether each of the 256 bytes may stand in a word.
  static let allowed: [Bool] = {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%+,-./:=_~"
    var table = [Bool](repeating: false, count: 256)
    for byte in letters.utf8 { table[Int(byte)] = true }
    return table
  }()
}
