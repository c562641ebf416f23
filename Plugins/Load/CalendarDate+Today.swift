import IntakeCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension CalendarDate {
  /// The latest day that it is anywhere, UTC and 14 hours (Line Islands); nil when the clock says no such day.
  static func latestToday() -> CalendarDate? {
    var seconds = time(nil) + 14 * 3_600
    var parts = tm()
    guard gmtime_r(&seconds, &parts) != nil else { return nil }
    return CalendarDate(
      year: Int(parts.tm_year) + 1_900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday))
  }
}
