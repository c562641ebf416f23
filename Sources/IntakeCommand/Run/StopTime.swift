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

  /// Seconds until the next `HH:MM` in local time; nil for other text.
  static func seconds(until text: String, from now: time_t) -> Double? {
    guard let (hours, minutes) = text.halves(at: ":"),
      [hours, minutes].allSatisfy({ $0.isASCIIDigits && $0.count == 2 }),
      let hour = Int32(hours), let minute = Int32(minutes), hour < 24, minute < 60
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

/// Local time, for people.
enum WallClock {
  /// `22:14:05`.
  static func time(_ moment: UnixTime) -> String { text(moment, "%H:%M:%S") }

  /// `2026-11-28 22:14:05 +0100`, for logs.
  static func dateAndTime(_ moment: UnixTime) -> String { text(moment, "%Y-%m-%d %H:%M:%S %z") }

  /// `22:14`; on another day than `now`, `Tue 02:14`.
  static func minute(_ moment: UnixTime, from now: UnixTime) -> String {
    let isToday = text(moment, "%Y %j") == text(now, "%Y %j")
    return text(moment, isToday ? "%H:%M" : "%a %H:%M")
  }

  private static func text(_ moment: UnixTime, _ format: String) -> String {
    // Clamped to the years 1970 to 9999: the conversion traps on what fits no `time_t`.
    var (seconds, local) = (time_t(min(max(0, moment), 253_402_300_799)), tm())
    localtime_r(&seconds, &local)
    return String(unsafeUninitializedCapacity: 64) { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        strftime($0.baseAddress, $0.count, format, &local)
      }
    }
  }
}
