import IntakeCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A moment as the ledger writes it: whole seconds since 1970-01-01, in text `2026-11-21T01:30:00Z`.
///
/// Only people and retention read it; records are ordered by their numbers, for clocks jump.
public struct LedgerTime: Sendable, Hashable, Comparable {
  /// Seconds since 1970-01-01 00:00 UTC, 0 to 253,402,300,799 (the end of the year 9999).
  public let seconds: Int

  /// Takes seconds since 1970, clamped to the years 1970 to 9999.
  public init(seconds: Int) { self.seconds = min(max(seconds, 0), 253_402_300_799) }

  /// The wall clock's time.
  public static func now() -> LedgerTime {
    var clock = timespec()
    clock_gettime(CLOCK_REALTIME, &clock)
    return LedgerTime(seconds: clock.tv_sec)
  }

  /// Earlier moments come first.
  public static func < (left: LedgerTime, right: LedgerTime) -> Bool {
    left.seconds < right.seconds
  }

  /// Reads `YYYY-MM-DDThh:mm:ssZ`; nil for anything else.
  init?(_ bytes: [UInt8], _ range: Range<Int>) {
    guard range.count == 20 else { return nil }
    let template = LedgerTime.template
    var digits: (Int) = 0
    var numbers: [6 of Int] = .init(repeating: 0)
    for (position, byte) in bytes[range].enumerated() {
      if template[position] == UInt8(ascii: "0") {
        guard (0x30...0x39).contains(byte) else { return nil }
        numbers[digits] = numbers[digits] * 10 + Int(byte & 15)
      } else {
        guard byte == template[position] else { return nil }
        digits = min(digits + 1, 5)
      }
    }
    guard let date = CalendarDate(year: numbers[0], month: numbers[1], day: numbers[2]) else {
      return nil
    }
    self.init(
      seconds: date.daysSince1970 * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5])
  }

  private static let template = Array("0000-00-00T00:00:00Z".utf8)
}

extension LedgerTime: CustomStringConvertible {
  /// `2026-11-21T01:30:00Z`.
  public var description: String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    let date = [
      padded(parts.tm_year + 1900, 4), padded(parts.tm_mon + 1, 2), padded(parts.tm_mday, 2),
    ]
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded($0, 2) }
    return date.joined(separator: "-") + "T" + clock.joined(separator: ":") + "Z"
  }

  private func padded(_ number: Int32, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}
