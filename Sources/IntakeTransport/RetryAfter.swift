public import IntakeCore

/// How long a server asks to be left alone (RFC 9110 §10.2.3).
public enum RetryAfter {
  /// The longest wait that is told, in seconds: 30 years, so that every number fits; the runner decides what is too long.
  public static let longest = 1e9

  /// Seconds to wait, 0 to 1,000,000,000; nil without the field and for anything but a number or a date.
  ///
  /// A date is compared with the answer's own `Date`, so that a wrong clock here does no harm.
  public static func seconds(in response: HTTPResponse, now: UnixTime) -> Double? {
    guard let value = response[header: "Retry-After"] else { return nil }
    if !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      return min(longest, Double(value) ?? longest)
    }
    guard let date = HTTPDate.parse(value, now: now) else { return nil }
    let reference = response[header: "Date"].flatMap { HTTPDate.parse($0, now: now) } ?? now
    return min(longest, max(0, date - reference))
  }
}
