import IntakeCore
import IntakeSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// When a run stops softly: `--until` and `--max-duration`, whichever comes first.
struct StopTime: Sendable {
  /// Seconds from now.
  let seconds: Double
  let reason: String

  /// Reads both options; nil when neither is given.
  init?(_ arguments: Arguments) throws(CommandError) {
    var times: [StopTime] = []
    if let seconds = try arguments.seconds("max-duration") {
      times.append(StopTime(seconds, "--max-duration is over"))
    }
    let until = try arguments.value("until", "a time of day of this machine such as 06:00") {
      text in
      StopTime.seconds(until: text, from: time(nil)).map {
        StopTime($0, "it is \(text) (--until)")
      }
    }
    if let until { times.append(until) }
    guard let first = times.min(by: { $0.seconds < $1.seconds }) else { return nil }
    self = first
  }

  private init(_ seconds: Double, _ reason: String) {
    (self.seconds, self.reason) = (seconds, reason)
  }

  /// Stops a run when the time has come; cancel the task when the run ends before.
  func watch(_ stop: StopSwitch) -> Task<Void, Never> {
    Task {
      guard (try? await Task.sleep(for: .seconds(seconds))) != nil else { return }
      stop.request(.soon, reason: reason)
    }
  }

  /// Seconds until the next `HH:MM` by the clock on this machine's wall; nil for other text.
  static func seconds(until text: String, from now: time_t) -> Double? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2,
      parts.allSatisfy({ $0.count == 2 && $0.utf8.allSatisfy(\.isASCIIDigit) }),
      let hour = Int32(parts[0]), let minute = Int32(parts[1]), hour < 24, minute < 60
    else { return nil }
    var (start, local) = (now, tm())
    guard localtime_r(&start, &local) != nil else { return nil }
    (local.tm_hour, local.tm_min, local.tm_sec, local.tm_isdst) = (hour, minute, 0, -1)
    var tomorrow = local
    tomorrow.tm_mday += 1
    let today = mktime(&local)
    return Double((today > now ? today : mktime(&tomorrow)) - now)
  }
}

/// The clock on this machine's wall, for people.
enum WallClock {
  /// `22:14:05`.
  static func time(_ moment: UnixTime) -> String {
    let local = WallClock.local(moment)
    return [local.tm_hour, local.tm_min, local.tm_sec].map { Int($0).zeroPadded(2) }
      .joined(separator: ":")
  }

  /// `2026-11-28 22:14:05 +0100`: with the day, for logs, and the distance to UTC.
  static func dateAndTime(_ moment: UnixTime) -> String {
    let local = WallClock.local(moment)
    let date = [Int(local.tm_year) + 1900, Int(local.tm_mon) + 1, Int(local.tm_mday)]
    let minutes = abs(local.tm_gmtoff) / 60
    let zone = (minutes / 60).zeroPadded(2) + (minutes % 60).zeroPadded(2)
    return date.map { $0.zeroPadded(2) }.joined(separator: "-") + " " + time(moment)
      + (local.tm_gmtoff < 0 ? " -" : " +") + zone
  }

  /// `22:14`, on another day than `now` `Tue 02:14`.
  static func minute(_ moment: UnixTime, from now: UnixTime) -> String {
    let (local, today) = (local(moment), local(now))
    let isToday = (local.tm_year, local.tm_yday) == (today.tm_year, today.tm_yday)
    return (isToday ? "" : days[Int(local.tm_wday) % 7] + " ") + time(moment).prefix(5)
  }

  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

  private static func local(_ moment: UnixTime) -> tm {
    // Beyond these a time of day says nothing, and a conversion could trap.
    var (seconds, local) = (time_t(min(max(0, moment), 253_402_300_799)), tm())
    localtime_r(&seconds, &local)
    return local
  }
}
