import IntakeCore
import Synchronization

/// A way to write a day, such as `MM/DD/YYYY`: letters stand for parts of the date, all else for itself.
struct DateFormat: Sendable, Equatable {
  fileprivate enum Part: Equatable {
    case year, shortYear, month, monthName, day, hour, minute, second, half, zone
    case literal(UInt8)
    /// Days since the turn of 1899 to 1900, as Excel counts them; on old Macs since 1904.
    case serial(firstDay: Int)
  }

  /// The format as it is given with `--date-format`.
  let text: String
  private let parts: [Part]

  /// Reads a format; nil for one that lacks the year, the month or the day.
  init?(_ text: String) {
    self.text = text
    switch text.lowercased() {
    // 25,569 and 24,107 are 1970-01-01.
    case "excel": parts = [.serial(firstDay: -25_569)]
    case "excel1904": parts = [.serial(firstDay: -24_107)]
    default:
      parts = DateFormat.parts(Array(text.utf8))
      let needed: [[Part]] = [[.year, .shortYear], [.month, .monthName], [.day]]
      guard needed.allSatisfy({ any in parts.count { any.contains($0) } == 1 }) else { return nil }
    }
  }

  private static func parts(_ text: [UInt8]) -> [Part] {
    var parts: [Part] = []
    var rest = text[...]
    while let first = rest.first {
      let letter = first.asciiLowercased
      let run = rest.prefix { $0.asciiLowercased == letter }.count
      switch letter {
      case UInt8(ascii: "y"): parts.append(run > 2 ? .year : .shortYear)
      case UInt8(ascii: "d"): parts.append(.day)
      case UInt8(ascii: "h"): parts.append(.hour)
      case UInt8(ascii: "s"): parts.append(.second)
      // As in spreadsheets, an M behind the hour is a minute.
      case UInt8(ascii: "m"):
        parts.append(parts.contains(.hour) ? .minute : run > 2 ? .monthName : .month)
      case UInt8(ascii: "z"): parts.append(.zone)
      // AM in a format stands for either half of the day.
      case UInt8(ascii: "a") where rest.dropFirst().first?.asciiLowercased == UInt8(ascii: "m"):
        parts.append(.half)
        rest = rest.dropFirst(2)
        continue
      default:
        parts.append(.literal(first))
        rest = rest.dropFirst()
        continue
      }
      rest = rest.dropFirst(run)
    }
    return parts
  }

  /// The day that a text means; nil where it isn't in this form, or where the zone may have moved it.
  ///
  /// Parts may have fewer digits than the format has letters: spreadsheets write 1/2/1970 for MM/DD/YYYY. A year of two
  /// digits is the last such year up to `latest`: nobody who has a document was born a century before.
  func date(_ text: String, latest: CalendarDate) -> CalendarDate? {
    var reader = TextReader(text.utf8)
    var (year, month, day, isShort) = (0, 0, 0, false)
    var time: [Int] = []
    for (index, part) in parts.enumerated() {
      if case .serial(let first) = part {
        return reader.serial(from: first, notIn: 1900...max(1900, latest.year))
      }
      guard let number = reader.number(of: part, isTight: isTight(index)) else { return nil }
      switch part {
      case .year: year = number
      case .shortYear: (year, isShort) = (latest.year / 100 * 100 + number, true)
      case .month, .monthName: month = number
      case .day: day = number
      case .hour, .minute, .second: time.append(number)
      case .half where time.first ?? 0 > 12: return nil
      case .zone where !time.allSatisfy({ $0 == 0 }): return nil
      default: break
      }
    }
    if !time.isEmpty { reader.skipFraction() }
    guard reader.rest.isEmpty, time.first ?? 0 < 24, time.allSatisfy({ $0 < 60 }) else {
      return nil
    }
    guard let date = CalendarDate(year: year, month: month, day: day) else { return nil }
    return isShort && date > latest
      ? CalendarDate(year: year - 100, month: month, day: day) : date
  }

  /// Whether no literal stands on one side of a part, so that only its full length tells where it ends.
  private func isTight(_ index: Int) -> Bool {
    [index - 1, index + 1].contains { parts.indices.contains($0) && !parts[$0].isLiteral }
  }

  /// Whether it is made of digits alone, as YYYYMMDD is: the two could not be told apart.
  var isAllDigits: Bool {
    parts.allSatisfy { part in
      switch part {
      case .year, .shortYear, .month, .day: true
      default: false
      }
    }
  }
}

extension DateFormat {
  /// What cells of dates are tried with to say which option to give, the most frequent first.
  static let usual: [DateFormat] = [
    "MM/DD/YYYY", "DD/MM/YYYY", "DD.MM.YYYY", "MM-DD-YYYY", "DD-MM-YYYY", "YYYY/MM/DD",
    "YYYY.MM.DD", "YYYY-M-D", "YYYY-MM-DD hh:mm:ss", "YYYY-MM-DDThh:mm:ss", "YYYY-MM-DDThh:mm:ssZ",
    "MM/DD/YYYY hh:mm:ss AM", "MM/DD/YYYY hh:mm", "DD/MM/YYYY hh:mm", "MM/DD/YYYY hh:mm:ss",
    "DD/MM/YYYY hh:mm:ss",
    "DD.MM.YYYY hh:mm", "DD.MM.YYYY hh:mm:ss", "MM/DD/YY", "DD/MM/YY", "DD.MM.YY", "DD-MM-YY",
    "DD-MMM-YYYY", "DD-MMM-YY", "DD MMM YYYY", "D. MMM YYYY", "MMM D, YYYY", "MMM D YYYY",
    "DDMMYYYY", "MMDDYYYY", "excel",
  ].compactMap { DateFormat($0) }

  fileprivate static let months: [[String]] = [
    "january february march april may june july august september october november december",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
  ].map { $0.split(separator: " ").map(String.init) }

  /// A day in the two forms that are always read, and with any of the hyphens that Unicode has.
  static func standard(_ text: String) -> CalendarDate? {
    if let date = CalendarDate(text) { return date }
    guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
    let plain = text.unicodeScalars.map { scalar -> Character in
      (0x2010...0x2015).contains(scalar.value) || scalar.value == 0x2212 ? "-" : Character(scalar)
    }
    return CalendarDate(String(plain))
  }

  /// The word for the command line, in quotes where a shell needs them.
  var argument: String { "--date-format " + ShellText.quoted(text) }
}

extension TextReader {
  /// The number that a part of a date stands for, 0 for one that has none; nil where something else comes next.
  fileprivate mutating func number(of part: DateFormat.Part, isTight: Bool) -> Int? {
    switch part {
    case .literal(let byte):
      guard rest.first?.asciiLowercased == byte.asciiLowercased else { return nil }
      rest = rest.dropFirst()
      return 0
    case .year: return number(4...4)
    case .shortYear: return number(2...2)
    case .monthName: return month()
    case .half: return take("aApP") && take("mM") ? 0 : nil
    case .zone: return zone() ? 0 : nil
    default: return number(isTight ? 2...2 : 1...2)
    }
  }

  private mutating func number(_ lengths: ClosedRange<Int>) -> Int? {
    let digits = digits(atMost: lengths.upperBound)
    guard digits.count >= lengths.lowerBound else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  /// A name of a month or its first three letters or more, with or without a point.
  private mutating func month() -> Int? {
    let word = rest.prefix { $0.isASCIILetter || $0 >= 0x80 }
    let name = String(decoding: word, as: UTF8.self).lowercased()
    guard name.unicodeScalars.count >= 3 else { return nil }
    for names in DateFormat.months {
      guard let index = names.firstIndex(where: { $0.hasPrefix(name) }) else { continue }
      rest = rest.dropFirst(word.count)
      _ = take(".")
      return index + 1
    }
    return nil
  }

  /// `Z`, or an offset such as `+00:00`.
  private mutating func zone() -> Bool {
    skipFraction()
    if take("zZ") { return true }
    guard take("+-"), number(2...2) != nil else { return false }
    _ = take(":")
    return number(2...2) != nil
  }

  /// Parts of a second, as databases write them.
  fileprivate mutating func skipFraction() {
    if take(".") { _ = digits() }
  }

  /// A whole number of days, also as `25569.0`; what looks like a year is one: nobody alive was born in 1905.
  fileprivate mutating func serial(
    from firstDay: Int, notIn years: ClosedRange<Int>
  ) -> CalendarDate? {
    guard let days = number(1...5), !years.contains(days) else { return nil }
    if take(".") { while take("0") {} }
    // Excel believes in 1900-02-29, its day 60: the days before it are off by one.
    guard rest.isEmpty, days > 0, days != 60 || firstDay != -25_569 else { return nil }
    let isBeforeLeapDay = days < 60 && firstDay == -25_569
    return CalendarDate(daysSince1970: days + firstDay + (isBeforeLeapDay ? 1 : 0))
  }
}

/// Takes a text apart from left to right.
struct TextReader {
  var rest: ArraySlice<UInt8>

  init(_ text: some Sequence<UInt8>) { rest = Array(text)[...] }

  /// Takes one of some characters of ASCII, if one comes next.
  mutating func take(_ characters: StaticString) -> Bool {
    guard let byte = rest.first,
      characters.withUTF8Buffer({ $0.contains(byte) })
    else { return false }
    rest = rest.dropFirst()
    return true
  }

  /// Takes the digits that come next.
  mutating func digits(atMost count: Int = .max) -> ArraySlice<UInt8> {
    let digits = rest.prefix(count).prefix(while: \.isASCIIDigit)
    rest = rest.dropFirst(digits.count)
    return digits
  }
}

extension DateFormat.Part {
  fileprivate var isLiteral: Bool {
    if case .literal = self { return true }
    return false
  }
}

/// Counts in which forms the dates of each column are, so that the end of a run can say which option reads them all.
final class DateSurvey: Sendable {
  private struct Tally {
    var others = 0
    /// How many of the others each usual format fits.
    var fits = [Int](repeating: 0, count: DateFormat.usual.count)
  }

  private let tallies = Mutex<[Column: Tally]>([:])
  /// A bit for each column of which a date was read: nearly all are, so no lock is taken for them.
  private let read = Atomic<UInt8>(0)

  /// Notes that a date was read.
  func noteRead(_ column: Column) {
    let bit = DateSurvey.bit(column)
    if read.load(ordering: .relaxed) & bit == 0 { read.bitwiseOr(bit, ordering: .relaxed) }
  }

  private static func bit(_ column: Column) -> UInt8 {
    column == .dob ? 1 : column == .idIssued ? 2 : 4
  }

  /// Notes a cell that isn't read; gives the usual formats that fit it.
  func add(_ text: String, to column: Column, latest: CalendarDate) -> [DateFormat] {
    let fitting = DateFormat.usual.indices.filter {
      DateFormat.usual[$0].date(text, latest: latest).map { $0 <= latest } ?? false
    }
    tallies.withLock { tallies in
      tallies[column, default: Tally()].others += 1
      for index in fitting { tallies[column]?.fits[index] += 1 }
    }
    return fitting.map { DateFormat.usual[$0] }
  }

  /// A sentence for each column whose dates were not read.
  var advice: [String] {
    tallies.withLock(\.self).sorted { $0.key.rawValue < $1.key.rawValue }
      .map { column, tally in
        let hasRead = read.load(ordering: .relaxed) & DateSurvey.bit(column) != 0
        return DateSurvey.advice(column, tally, hasRead)
      }
  }

  private static func advice(_ column: Column, _ tally: Tally, _ hasRead: Bool) -> String {
    let count = tally.others
    let ranked = DateFormat.usual.indices.filter { tally.fits[$0] > 0 }
      .sorted { (-tally.fits[$0], $0) < (-tally.fits[$1], $1) }
    let unread = hasRead ? (count == 1 ? " that was not read" : " that were not read") : ""
    let all =
      column.rawValue
      + (count == 1 ? ": the date\(unread) fits" : ": all \(count) dates\(unread) fit")
    guard let best = ranked.first else { return "\(all) no usual format" }
    guard tally.fits[best] == count else {
      let shares = ranked.prefix(4).map { "\(tally.fits[$0]) fit \(DateFormat.usual[$0].text)" }
      return "\(column.rawValue): of \(count) dates\(unread), \(shares.joined(separator: ", ")); "
        + "no one format fits them all, so correct those that are few and give --date-format"
    }
    let equals = ranked.filter { tally.fits[$0] == count }.map { DateFormat.usual[$0] }
    guard equals.count == 1 else {
      return
        "\(all) \(equals.map(\.text).joined(separator: " and ")) alike: only you know which is meant; "
        + "give \(equals.map(\.argument).joined(separator: " or "))"
    }
    let second = ranked.dropFirst().first.map {
      ", \(count - tally.fits[$0]) of them not \(DateFormat.usual[$0].text)"
    }
    return "\(all) \(equals[0].text)\(second ?? ""): give \(equals[0].argument)"
  }
}
