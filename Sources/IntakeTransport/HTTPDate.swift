public import IntakeCore

/// Reads the dates of HTTP header fields (RFC 9110 §5.6.7): the fixed form and the two obsolete ones.
public enum HTTPDate {
  /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`; else nil.
  ///
  /// A year of two digits is taken as the nearest past or future one within 50 years of `now`.
  public static func parse(_ text: String, now: UnixTime = 0) -> UnixTime? {
    let words = text.split { $0 == " " || $0 == "," }.map(String.init)
    if words.count == 6, words[5] == "GMT" {
      return seconds(day: words[1], month: words[2], year: words[3], time: words[4])
    }
    if words.count == 5, words[3].contains(":") {
      return seconds(day: words[2], month: words[1], year: words[4], time: words[3])
    }
    let date = words.count == 4 ? words[1].split(separator: "-").map(String.init) : []
    guard date.count == 3, words[3] == "GMT", date[2].utf8.count == 2, let year = number(date[2])
    else { return nil }
    let current = 1970 + Int(now / 31_556_952)
    let century = (current - year + 50) / 100 * 100
    return seconds(day: date[0], month: date[1], year: String(century + year), time: words[2])
  }

  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  private static func number(_ text: some StringProtocol) -> Int? {
    text.utf8.count <= 4 && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
  }

  private static func seconds(day: String, month: String, year: String, time: String) -> UnixTime? {
    let clock = time.split(separator: ":", omittingEmptySubsequences: false).map { number($0) }
    guard let day = number(day), let year = number(year), year >= 1900,
      let month = months.firstIndex(of: month), clock.count == 3,
      let date = CalendarDate(year: year, month: month + 1, day: day),
      let hour = clock[0], let minute = clock[1], let second = clock[2],
      hour < 24, minute < 60, second <= 60
    else { return nil }
    return UnixTime(((date.daysSince1970 * 24 + hour) * 60 + minute) * 60 + second)
  }
}
