/// A moment in UTC, in the forms that ledgers, HTTP and answers use; years 1 to 9999.
public struct UTCTime: Sendable, Hashable, Comparable {
  /// Seconds since 1970-01-01 00:00, with fractions.
  public let seconds: UnixTime

  /// Takes seconds since 1970, clamped to the years 1 to 9999.
  public init(seconds: UnixTime) {
    self.seconds = min(max(seconds, -62_135_596_800), 253_402_300_799)
  }

  /// Takes a day and a time of day, with second 60 for leap seconds; nil for numbers that no clock shows.
  public init?(_ date: CalendarDate, hour: Int, minute: Int, second: Int) {
    guard (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second) else {
      return nil
    }
    self.init(seconds: UnixTime(((date.daysSince1970 * 24 + hour) * 60 + minute) * 60 + second))
  }

  /// The moment that many seconds later.
  public func later(by interval: Double) -> UTCTime { UTCTime(seconds: seconds + interval) }

  /// Earlier moments come first.
  public static func < (left: UTCTime, right: UTCTime) -> Bool { left.seconds < right.seconds }

  /// The day.
  public var date: CalendarDate { CalendarDate(daysSince1970: day) }

  private var wholeSeconds: Int { Int(seconds.rounded(.down)) }

  /// Days since 1970-01-01, rounded down.
  private var day: Int { (wholeSeconds < 0 ? wholeSeconds - 86_399 : wholeSeconds) / 86_400 }

  /// `10:30:00`.
  private var clock: Substring { rfc3339.dropFirst(11).dropLast() }

  // MARK: RFC 3339

  /// `2026-11-21T10:30:00Z`.
  public var rfc3339: String {
    let (date, second) = (date, wholeSeconds - day * 86_400)
    let numbers: [7 of Int] = [
      date.year / 100, date.year % 100, date.month, date.day, second / 3600, second / 60 % 60,
      second % 60,
    ]
    let places: [7 of Int] = [0, 2, 5, 8, 11, 14, 17]
    var text = UTCTime.form
    for index in numbers.indices {
      text[places[index]] += UInt8(numbers[index] / 10)
      text[places[index] + 1] += UInt8(numbers[index] % 10)
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// `2026-11-21T10:30:00.250Z`.
  public var rfc3339Milliseconds: String {
    let fraction = Int((seconds - seconds.rounded(.down)) * 1000)
    return "\(rfc3339.dropLast()).\(fraction.zeroPadded(3))Z"
  }

  /// `2026-11-21 10:30:00 UTC`, for people.
  public var readable: String { "\(rfc3339.prefix(10)) \(clock) UTC" }

  /// Reads `YYYY-MM-DDThh:mm:ssZ`; nil for anything else.
  public init?(rfc3339 text: Span<UInt8>) {
    let form = UTCTime.form.span
    guard text.count == form.count else { return nil }
    // The seventh field is what follows the Z: nothing.
    var numbers: [7 of Int] = .init(repeating: 0)
    var field = 0
    for position in form.indices {
      let (byte, mark) = (text[position], form[position])
      if mark == UInt8(ascii: "0"), byte.isASCIIDigit {
        numbers[field] = numbers[field] * 10 + Int(byte & 15)
      } else if byte == mark {
        field += 1
      } else {
        return nil
      }
    }
    guard let date = CalendarDate(year: numbers[0], month: numbers[1], day: numbers[2]) else {
      return nil
    }
    self.init(date, hour: numbers[3], minute: numbers[4], second: numbers[5])
  }

  /// An array, because a ledger of a million rows has this read two million times.
  private static let form = Array("0000-00-00T00:00:00Z".utf8)

  // MARK: HTTP

  /// `Sat, 21 Nov 2026 10:30:00 GMT` (RFC 9110 §5.6.7).
  public var httpDate: String {
    let date = date
    // 1970-01-01 was a Thursday.
    let weekday = UTCTime.weekdays[((day + 4) % 7 + 7) % 7]
    let month = UTCTime.months[date.month - 1]
    return "\(weekday), \(date.day.zeroPadded(2)) \(month) \(date.year.zeroPadded(4)) \(clock) GMT"
  }

  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
}

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
