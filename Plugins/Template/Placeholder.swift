import IntakeCore

/// What a pair of braces in a template stands for.
enum Placeholder: Sendable, Equatable {
  /// A cell, as it is or, for a date, in a form.
  case column(ColumnName, DateForm?)
  /// A scan, in a form.
  case image(Side, ImageForm)
  /// A text of the credentials file.
  case secret(String)
  /// A brace itself.
  case brace(String)

  /// The forms of a date.
  enum DateForm: String, CaseIterable {
    /// `YYYYMMDD`
    case compact
    /// `YYYY-MM-DD`
    case dashed
  }

  /// The forms of a scan.
  enum ImageForm: String, CaseIterable {
    case base64
    case dataURI = "data-uri"
    /// `image/jpeg` or `image/png`, for APIs that want it in a field of its own.
    case mediaType = "media-type"
  }

  /// Reads what stands between the braces.
  init(_ text: String) throws(TemplateFault) {
    let words = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    switch words[0] {
    case "image": self = try Placeholder.image(words, text)
    case "secret": self = try Placeholder.secret(words, text)
    case "brace" where words == ["brace", "open"]: self = .brace("{")
    case "brace" where words == ["brace", "close"]: self = .brace("}")
    default: self = try Placeholder.column(words, text)
    }
  }

  private static func image(_ words: [String], _ text: String) throws(TemplateFault) -> Placeholder
  {
    guard (2...3).contains(words.count), let side = Side(rawValue: words[1]),
      let form = ImageForm(rawValue: words.count == 3 ? words[2] : "base64")
    else {
      throw .unknown(
        text, among: Side.allCases.flatMap { ["image:\($0)", "image:\($0):data-uri"] },
        "an image is image:front or image:back, and may end in :data-uri or :media-type")
    }
    return .image(side, form)
  }

  private static func secret(_ words: [String], _ text: String) throws(TemplateFault) -> Placeholder
  {
    guard words.count == 2, SecretName.isValid(words[1]) else {
      throw TemplateFault(
        "{\(TemplateFault.shown(text))} is no secret: write {secret:NAME} with a name of the "
          + "credentials file, letters, digits, - and _")
    }
    return .secret(words[1])
  }

  private static func column(_ words: [String], _ text: String) throws(TemplateFault) -> Placeholder
  {
    guard let column = ColumnName(words[0]) else {
      throw .unknown(
        words[0], among: Column.allCases.map(\.rawValue) + ["image", "secret"],
        "there is no such column")
    }
    if column.column == .front || column.column == .back {
      throw TemplateFault("{\(column)} names a file: write {image:\(column)} for the scan")
    }
    guard words.count > 1 else { return .column(column, nil) }
    guard words.count == 2, let form = DateForm(rawValue: words[1]) else {
      throw .unknown(
        text, among: DateForm.allCases.map { "\(column):\($0)" },
        "the forms of a column are :compact and :dashed")
    }
    guard [.dob, .idIssued, .idExpiry].contains(column.column) else {
      throw TemplateFault("{\(TemplateFault.shown(text))}: column \"\(column)\" holds no date")
    }
    return .column(column, form)
  }
}

/// The names that a secret may have.
enum SecretName {
  /// Letters, digits, hyphen and underscore, at most 64.
  static func isValid(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
      }
  }
}
