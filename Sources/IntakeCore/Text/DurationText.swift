/// Lengths of time as people write them: `90s`, `15m`, `2h`, `1h30m`, `1d`, or a plain number of seconds.
public enum DurationText {
  /// Seconds in the unit of each letter.
  private static let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
  /// The most that is taken, in seconds: 366 days.
  public static let longest = 366 * 86_400.0

  /// The seconds that a text means, 0 to `longest`; nil for anything else.
  public static func seconds(_ text: String) -> Double? {
    if let number = plainNumber(text[...]) { return number <= longest ? number : nil }
    var sum = 0.0
    // A unit stands once, and the larger ones first: `30m1h` is more likely a slip than meant.
    var last = Double.infinity
    var digits = text.startIndex
    for index in text.indices {
      guard let unit = units[text[index]] else { continue }
      guard unit < last, let number = plainNumber(text[digits..<index]) else { return nil }
      sum += number * unit
      last = unit
      digits = text.index(after: index)
    }
    return digits == text.endIndex && !text.isEmpty && sum <= longest ? sum : nil
  }

  /// Digits with at most one point among them: no sign, no exponent, no word for infinity.
  private static func plainNumber(_ text: Substring) -> Double? {
    let isPlain = text.utf8.allSatisfy { $0.isASCIIDigit || $0 == UInt8(ascii: ".") }
    return isPlain && text.first != "." && text.last != "." ? Double(text) : nil
  }

  /// `45 s`, `15 min`, `2 h 30 min`: two units at most, for messages.
  public static func words(_ seconds: Double) -> String {
    let whole = Int(min(max(0, seconds), longest).rounded())
    switch whole {
    case ..<120: return "\(whole) s"
    case ..<7200: return "\(whole / 60) min" + (whole % 60 > 0 ? " \(whole % 60) s" : "")
    default: return "\(whole / 3600) h" + (whole / 60 % 60 > 0 ? " \(whole / 60 % 60) min" : "")
    }
  }
}
