#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A moment in UTC, written the two ways that HTTP and the vendors' answers need.
struct Timestamp: Sendable, Hashable {
  /// Seconds since 1970-01-01 00:00 UTC, with fractions.
  let seconds: Double

  /// This moment by the machine's clock.
  static var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
  }

  /// The moment that many seconds later.
  func later(by interval: Double) -> Timestamp { Timestamp(seconds: seconds + interval) }

  private var fields: tm {
    var time = time_t(seconds.rounded(.down))
    var fields = tm()
    gmtime_r(&time, &fields)
    return fields
  }

  /// `2026-11-21T10:30:00.250Z` (RFC 3339).
  var rfc3339: String {
    let fraction = Int((seconds - seconds.rounded(.down)) * 1000)
    return day + "T" + clock(fields) + "." + Timestamp.padded(fraction, 3) + "Z"
  }

  /// `2026-11-21 10:30:00 UTC`, for people.
  var readable: String { day + " " + clock(fields) + " UTC" }

  private var day: String {
    let time = fields
    let year = Timestamp.padded(Int(time.tm_year) + 1900, 4)
    return year + "-" + two(time.tm_mon + 1) + "-" + two(time.tm_mday)
  }

  /// `Sat, 21 Nov 2026 10:30:00 GMT` (RFC 9110 §5.6.7).
  var httpDate: String {
    let time = fields
    let day = Timestamp.days[Int(time.tm_wday) % 7]
    let month = Timestamp.months[Int(time.tm_mon) % 12]
    return "\(day), \(two(time.tm_mday)) \(month) \(Int(time.tm_year) + 1900) \(clock(time)) GMT"
  }

  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  private func clock(_ time: tm) -> String {
    two(time.tm_hour) + ":" + two(time.tm_min) + ":" + two(time.tm_sec)
  }

  private func two(_ number: Int32) -> String { Timestamp.padded(Int(number), 2) }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}
