import IntakeCore

/// Recognises values that a spreadsheet or a database has mangled, or has put where there was none.
///
/// Each rule is about a value that was lost: the way it is written is no reason to refuse one. In names and towns only
/// what nobody is called counts: there is a family Null, and a town 's-Hertogenbosch.
enum SuspiciousValue {
  /// What is wrong with a cell, in words that follow the column's name; nil for an ordinary one.
  static func problem(in text: String, of column: Column) -> String? {
    let bytes = Array(text.utf8)
    guard let first = bytes.first else { return nil }
    if let problem = placeholder(text, bytes, first, column) { return problem }
    // A file may be called anything.
    guard column != .front, column != .back else { return nil }
    if isScientific(bytes, inCode: numbers.contains(column)) {
      return "is a number in scientific notation: its digits are lost"
    }
    if first == UInt8(ascii: "="), codes.contains(column) || bytes.starts(with: "=\"".utf8) {
      return "is a formula of a spreadsheet"
    }
    if first == UInt8(ascii: "'"), hasTextMark(bytes, column) {
      return "starts with the apostrophe by which spreadsheets mark a text"
    }
    if codes.contains(column), let problem = mangledNumber(bytes, column) { return problem }
    if column == .phone, digitCount(bytes) < 7 { return "has fewer than 7 digits" }
    return text.unicodeScalars.contains("\u{FFFD}")
      ? "holds U+FFFD: a character was lost when the text was converted"
      : lostLetters(bytes, column)
  }

  /// Whether a cell of plain bytes (`ByteKinds`) and blanks is ordinary at a glance, as nearly every one is.
  static func isSurelyFine(_ text: String, _ column: Column, hasBlank: Bool) -> Bool {
    text.utf8.withContiguousStorageIfAvailable { isSurelyFine($0, column, hasBlank) } ?? false
  }

  private static func isSurelyFine(
    _ bytes: UnsafeBufferPointer<UInt8>, _ column: Column, _ hasBlank: Bool
  ) -> Bool {
    guard let first = bytes.first else { return true }
    switch column {
    case .zip, .dob, .idIssued, .idExpiry:
      return first.isASCIIDigit
        && bytes.allSatisfy { $0.isASCIIDigit || $0 == UInt8(ascii: "-") }
    case .phone:
      return bytes.count >= 7 && bytes.allSatisfy(\.isASCIIDigit)
    case .id, .reference, .idNumber, .email:
      if first.isASCIIDigit { return bytes.allSatisfy(\.isASCIIDigit) }
      return first.isASCIILetter && !mayBeNothing(first, bytes.count)
    default:
      // What begins with a digit may be a number in scientific notation; a house number before a street is none.
      if first.isASCIIDigit { return hasBlank }
      return first.isASCIILetter && !mayBeNothing(first, bytes.count)
    }
  }

  /// Words for "nothing" without a bracket begin with N or U and have 3 to 13 letters.
  private static func mayBeNothing(_ first: UInt8, _ count: Int) -> Bool {
    let letter = first | 0x20
    return (letter == UInt8(ascii: "n") || letter == UInt8(ascii: "u")) && (3...13).contains(count)
  }

  /// A value that spreadsheets turn into a number or another text.
  private static let codes: Set<Column> = [
    .id, .reference, .zip, .phone, .dob, .idNumber, .idIssued, .idExpiry, .email,
  ]
  /// Columns in which digits and an E can't be a code of the operator's own.
  private static let numbers: Set<Column> = [.zip, .phone, .dob, .idIssued, .idExpiry]
  private static let dates: Set<Column> = [.dob, .idIssued, .idExpiry]
  private static let names: Set<Column> = [.fn, .ln, .mn, .city]

  /// `NULL`, `N/A`, `-`, `####`, `#REF!`: something stands there instead of a value.
  private static func placeholder(
    _ text: String, _ bytes: [UInt8], _ first: UInt8, _ column: Column
  ) -> String? {
    if first == UInt8(ascii: "#") {
      if bytes.allSatisfy({ $0 == first }) {
        return "holds #### instead of a value: its column was too narrow in the spreadsheet"
      }
      let isError = bytes.last == UInt8(ascii: "!") || bytes.last == UInt8(ascii: "?")
      if isError || bytes.elementsEqual("#N/A".utf8) || text.hasPrefix("#GETTING") {
        return "holds an error of a spreadsheet instead of a value"
      }
    }
    if bytes.count <= 3 || bytes.count <= 12 && first >= 0x80,
      text.unicodeScalars.allSatisfy({ dashes.contains($0.value) })
    {
      return "holds a dash instead of a value"
    }
    guard bytes.count <= 17, words.contains(text.lowercased()) else { return nil }
    // Families are called Null and Nan, and None is a town: only as a database writes it it is no name.
    let isName =
      names.contains(column) && first.isASCIIUppercase
      && bytes.dropFirst().allSatisfy(\.isASCIILowercase)
    return isName ? nil : "holds a word for \"nothing\" instead of a value"
  }

  private static let dashes: Set<UInt32> = [
    0x2D, 0x3F, 0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2212,
  ]

  private static let words: Set<String> = [
    "null", "(null)", "<null>", "[null]", "\\n", "nil", "n/a", "n.a.", "n.a", "#n/a", "none",
    "(none)", "nan",
    "undefined", "[object object]", "#null!", "(blank)", "not available",
  ]

  /// `1.20156E+10`, also with a comma; in codes of the operator's own only with the sign that spreadsheets write.
  private static func isScientific(_ bytes: [UInt8], inCode isNumber: Bool) -> Bool {
    var reader = TextReader(bytes)
    _ = reader.take("+-")
    guard !reader.digits().isEmpty else { return false }
    if reader.take(".,") { _ = reader.digits() }
    guard reader.take("eE") else { return false }
    let isSigned = reader.take("+-")
    return (1...3).contains(reader.digits().count) && reader.rest.isEmpty && (isSigned || isNumber)
  }

  /// `'04101`; in prose the mark stands before a digit or a capital, where Dutch has 't and 's.
  private static func hasTextMark(_ bytes: [UInt8], _ column: Column) -> Bool {
    guard bytes.count > 1 else { return true }
    return codes.contains(column) || !(bytes[1].isASCIILowercase || bytes[1] >= 0x80)
  }

  /// `97301.0`, `97,301`: a text that was a number for a while.
  private static func mangledNumber(_ bytes: [UInt8], _ column: Column) -> String? {
    guard column != .email, bytes.last?.isASCIIDigit == true else { return nil }
    var reader = TextReader(bytes)
    let whole = reader.digits()
    let rest = reader.rest
    guard let mark = rest.first, reader.take(".,") else { return nil }
    let digits = reader.rest
    // A version such as 2.0 may be somebody's reference, and 25569.0 a day as spreadsheets count them.
    let isDay = dates.contains(column) && whole.count <= 5
    if digits.allSatisfy({ $0 == 0x30 }), digits.count <= 2, whole.count >= 3, !isDay {
      return "ends like a number with decimals (.0)"
    }
    let groups = rest.split(separator: mark)
    let isGrouped =
      (1...3).contains(whole.count)
      && groups.allSatisfy { $0.count == 3 && $0.allSatisfy(\.isASCIIDigit) }
    return isGrouped && (column == .zip || column == .phone && mark == UInt8(ascii: ","))
      ? "is written as a number with separators" : nil
  }

  /// Digits, and the capitals that keys of a telephone stand for: 1-800-FLOWERS.
  private static func digitCount(_ bytes: [UInt8]) -> Int {
    bytes.count { $0.isASCIIDigit || $0.isASCIIUppercase }
  }
}

// Letters that were lost or replaced on the way.
extension SuspiciousValue {
  /// `M?ller`, `M&uuml;ller`.
  private static func lostLetters(_ bytes: [UInt8], _ column: Column) -> String? {
    for (index, byte) in bytes.enumerated() {
      if byte == UInt8(ascii: "&"), isEntity(bytes[(index + 1)...]) {
        return "holds an escape of a web page (&…;) instead of a character"
      }
      if byte == UInt8(ascii: "?"), names.contains(column), index > 0, index + 1 < bytes.count,
        isLetter(bytes[index - 1]), isLetter(bytes[index + 1])
      {
        return "holds a question mark where a letter was lost"
      }
    }
    return nil
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    byte.isASCIILetter || byte >= 0x80 || byte == UInt8(ascii: "?")
  }

  private static func isEntity(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let end = bytes.prefix(10).firstIndex(of: UInt8(ascii: ";")), end > bytes.startIndex + 1
    else { return false }
    let name = bytes[..<end]
    return name.first == UInt8(ascii: "#") || name.allSatisfy(\.isASCIILetter)
  }

  static let misread =
    "holds characters that come of reading UTF-8 as another encoding (Ã© for é)"

  /// Whether a cell as it came holds `Ã©` or the like: UTF-8 that was read as something else.
  ///
  /// A file may be called so.
  static func isMisread(_ text: String, _ column: Column) -> Bool {
    guard column != .front, column != .back else { return false }
    let scalars = Array(text.unicodeScalars)
    var signs = 0
    for index in scalars.indices {
      switch scalars[index].value {
      case ..<0x80: continue
      // As old DOS programs and old Macs show it: ├®, √©.
      case 0x2500...0x257F: return true
      case 0x221A: if index + 1 < scalars.count, scalars[index + 1].value >= 0x80 { return true }
      default: signs += signsOfMisreading(scalars[index...], after: scalars[..<index].last)
      }
    }
    return signs > 1
  }

  /// How surely the bytes that these letters have in Windows-1252 are one character of UTF-8: 2 is certain.
  ///
  /// Capitals from É on and ß may well stand before a blank, a quote or a dash, and before Š and Ž (`MATÚŠ`), but
  /// such a capital behind a small letter is none (`IonuÈ›`).
  private static func signsOfMisreading(
    _ scalars: ArraySlice<Unicode.Scalar>, after previous: Unicode.Scalar?
  ) -> Int {
    guard let lead = scalars.first.flatMap(byte), lead >= 0xC2, lead < 0xF5 else { return 0 }
    let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    let following = scalars.dropFirst().prefix(length - 1).compactMap(byte)
    guard let second = following.first, following.count == length - 1,
      following.allSatisfy({ (0x80...0xBF).contains($0) })
    else { return 0 }
    let isRare = (0xC2...0xC5).contains(lead) || (0xCE...0xD1).contains(lead)
    if length > 2 || isRare { return 2 }
    if usualCapitals.contains(lead), usualLetters.contains(second) { return 0 }
    if lead != 0xDF, previous?.properties.isLowercase == true { return 2 }
    // A multiplication sign is no letter.
    if lead != 0xD7, usualMarks.contains(second) { return 0 }
    return second < 0xA0 ? 2 : 1
  }

  /// É Í Ó Ô Õ Ö Ú Ü Ý, of languages that have Š Ž š ž as well.
  private static let usualCapitals: Set<UInt8> = [
    0xC9, 0xCD, 0xD3, 0xD4, 0xD5, 0xD6, 0xDA, 0xDC, 0xDD,
  ]
  private static let usualLetters: Set<UInt8> = [0x8A, 0x8E, 0x9A, 0x9E]
  /// ‘ ’ “ ” – — ›, a blank that doesn't break, ´ and ».
  private static let usualMarks: Set<UInt8> = [
    0x91, 0x92, 0x93, 0x94, 0x96, 0x97, 0x9B, 0xA0, 0xB4, 0xBB,
  ]

  /// The byte of a letter in Windows-1252; its five unused bytes stand for themselves, as most programs read them.
  private static func byte(_ scalar: Unicode.Scalar) -> UInt8? {
    if scalar.value < 0x100 { return UInt8(scalar.value) }
    return symbols.firstIndex(of: scalar).map { UInt8($0 + 0x80) }
  }

  private static let symbols = Array(LetterTable.windows1252.prefix(32))
}

// What only shows beside the other cells of a row.
extension SuspiciousValue {
  /// A zip of fewer digits than the country's have: a number has no leading zero.
  static func zipProblem(_ zip: String, country: String?, state: String?) -> String? {
    var reader = TextReader(zip.utf8)
    let digits = reader.digits()
    let hasPlusFour = reader.take("-")
    // A zip with its plus four may be written without the hyphen.
    guard reader.digits().count == (hasPlusFour ? 4 : 0), reader.rest.isEmpty,
      (3...4).contains(digits.count) || (7...8).contains(digits.count) && !hasPlusFour
    else { return nil }
    if let country {
      let name = country.lowercased().filter { $0.isLetter }
      let isAmerican = american.contains(name)
      guard isAmerican || digits.count == 4 && !hasPlusFour && fiveDigits.contains(name) else {
        return nil
      }
    } else {
      guard let state, zeroStates.contains(state.uppercased()) else { return nil }
    }
    return "has \(digits.count) digits: its leading zero was lost"
  }

  private static let american: Set<String> = [
    "us", "usa", "unitedstates", "unitedstatesofamerica", "pr", "vi", "puertorico",
  ]
  /// Countries whose postal codes have five digits and may start with 0.
  private static let fiveDigits: Set<String> = [
    "de", "deu", "germany", "deutschland", "fr", "fra", "france", "it", "ita", "italy", "italia",
    "es", "esp", "spain", "españa", "mx", "mex", "mexico", "méxico", "fi", "fin", "finland", "ee",
    "est", "estonia", "lt", "ltu", "lithuania", "sk", "svk", "slovakia", "tr", "tur", "turkey",
    "kr", "kor", "ua", "ukr", "ukraine", "my", "mys", "malaysia",
  ]
  /// Where zips start with 0, for rows that name no country.
  private static let zeroStates: Set<String> = [
    "CT", "MA", "ME", "NH", "NJ", "RI", "VT", "PR",
  ]

  /// What programs write for a day that they don't have: today, or the first day that they know.
  static func dateProblem(_ date: CalendarDate, today: ClosedRange<CalendarDate>) -> String? {
    if today.contains(date) { return "is today" }
    // Nobody who was born in the 19th century is alive.
    return date.year < 1900 || date.year == 1900 && date.month == 1 && date.day == 1
      ? "is 1900-01-01 or earlier, as programs write for an unknown day" : nil
  }

  /// The text without `="…"` or the apostrophe around it, nil where there is neither.
  static func unwrapped(_ text: String) -> String? {
    if text.hasPrefix("=\""), text.hasSuffix("\""), text.utf8.count > 3 {
      return String(text.dropFirst(2).dropLast())
    }
    return text.hasPrefix("'") && text.utf8.count > 1 ? String(text.dropFirst()) : nil
  }
}
