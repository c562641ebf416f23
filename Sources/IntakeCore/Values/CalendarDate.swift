/// A day of the Gregorian calendar, without a time or a zone.
public struct CalendarDate: Sendable, Hashable {
  /// Year, 1 to 9999.
  public let year: Int
  /// Month, 1 to 12.
  public let month: Int
  /// Day of the month, 1 to 31.
  public let day: Int

  /// Makes a date, or nil when there is no such day.
  public init?(year: Int, month: Int, day: Int) {
    guard (1...9999).contains(year), (1...12).contains(month) else { return nil }
    guard (1...CalendarDate.days(in: month, of: year)).contains(day) else { return nil }
    (self.year, self.month, self.day) = (year, month, day)
  }

  /// Reads `YYYYMMDD` or `YYYY-MM-DD`, ASCII digits only; nil for anything else and for days that do not exist.
  public init?(_ text: String) {
    let isDashed = text.utf8.count == 10
    guard isDashed || text.utf8.count == 8 else { return nil }
    var number = 0
    for (index, byte) in text.utf8.enumerated() {
      if isDashed, index == 4 || index == 7 {
        guard byte == UInt8(ascii: "-") else { return nil }
      } else {
        guard byte.isASCIIDigit else { return nil }
        number = number * 10 + Int(byte - 0x30)
      }
    }
    self.init(year: number / 10_000, month: number / 100 % 100, day: number % 100)
  }

  /// `YYYYMMDD`, the form DCAMS wants.
  public var compact: String { year.zeroPadded(4) + month.zeroPadded(2) + day.zeroPadded(2) }

  /// `YYYY-MM-DD` (ISO 8601), the form Noah wants.
  public var dashed: String {
    year.zeroPadded(4) + "-" + month.zeroPadded(2) + "-" + day.zeroPadded(2)
  }

  /// Takes days since 1970-01-01, clamped to the years 1 to 9999.
  public init(daysSince1970 days: Int) {
    // Years are counted from March, so that the leap day is the last of a year; the calendar repeats after 400.
    // -719,162 is 0001-01-01 and 2,932,896 is 9999-12-31; 0000-03-01 is 719,468 days before 1970-01-01.
    let number = min(max(days, -719_162), 2_932_896) + 719_468
    let (era, day) = number.quotientAndRemainder(dividingBy: 146_097)
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
    let dayOfYear = day - (year * 365 + year / 4 - year / 100)
    let marchMonth = (dayOfYear * 5 + 2) / 153
    month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    self.day = dayOfYear - (marchMonth * 153 + 2) / 5 + 1
    self.year = era * 400 + year + (month <= 2 ? 1 : 0)
  }

  /// Days since 1970-01-01, negative before it.
  public var daysSince1970: Int {
    let marchMonth = (month + 9) % 12
    let marchYear = year - (month <= 2 ? 1 : 0)
    let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
    // 719,468 days lie between 0000-03-01 and 1970-01-01, and days of a month count from 1.
    return marchYear * 365 + leapDays + (marchMonth * 306 + 5) / 10 + day - 719_469
  }

  private static func days(in month: Int, of year: Int) -> Int {
    switch month {
    case 2: return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: return 30
    default: return 31
    }
  }
}

extension CalendarDate: Comparable {
  /// Earlier days come first.
  public static func < (left: CalendarDate, right: CalendarDate) -> Bool {
    (left.year, left.month, left.day) < (right.year, right.month, right.day)
  }
}
