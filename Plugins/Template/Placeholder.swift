import IntakeCore

/// What a pair of braces in a template stands for.
enum Placeholder: Sendable, Equatable {
  /// A cell, as it is or, for a date, in a form.
  case column(ColumnName, DateForm?)
  /// A scan, in a form.
  case image(Side, ImageForm)
  /// A text of the credentials file.
  case secret(String)

  enum DateForm: String, CaseIterable {
    /// `YYYYMMDD`
    case compact
    /// `YYYY-MM-DD`
    case dashed
  }

  enum ImageForm: String, CaseIterable {
    case base64
    case dataURI = "data-uri"
    /// `image/jpeg` or `image/png`, for APIs that want it in a field of its own.
    case mediaType = "media-type"
  }

  init(_ text: String) throws(TemplateFault) {
    let words = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    switch words[0] {
    case "image": self = try Placeholder.image(words, text)
    case "secret":
      guard words.count == 2, words[1].isPlain(1...64, or: "-_") else {
        throw TemplateFault(
          "{\(TemplateFault.shown(text))} isn't a secret: write {secret:NAME} with a name of the "
            + "credentials file, letters, digits, - and _")
      }
      self = .secret(words[1])
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

  var columnName: ColumnName? { if case .column(let name, _) = self { name } else { nil } }
  /// The column whose date is sent in a form of its own.
  var dateColumn: ColumnName? { if case .column(let name, _?) = self { name } else { nil } }
  var secretName: String? { if case .secret(let name) = self { name } else { nil } }
  /// The side that it shows, unless it is only the name of the format.
  var shownSide: Side? {
    if case .image(let side, let form) = self, form != .mediaType { side } else { nil }
  }
}

/// A text split into literals and placeholders.
struct PlaceholderText: Sendable, Equatable {
  enum Part: Sendable, Equatable {
    case literal(String)
    case placeholder(Placeholder)
  }

  private(set) var parts: [Part] = []

  /// Reads a text; every brace belongs to a placeholder.
  init(_ text: String) throws(TemplateFault) {
    var rest = text[...]
    while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      add(rest[..<brace])
      guard rest[brace] == "{" else {
        throw TemplateFault("a } without its {; write {brace:close} for the character itself")
      }
      rest = rest[rest.index(after: brace)...]
      try takePlaceholder(from: &rest)
    }
    add(rest)
  }

  /// Takes everything up to the closing brace, and the brace.
  private mutating func takePlaceholder(from rest: inout Substring) throws(TemplateFault) {
    guard let end = rest.firstIndex(where: { $0 == "{" || $0 == "}" }), rest[end] == "}" else {
      throw TemplateFault(
        rest.hasPrefix("{")
          ? "{{ begins nothing: placeholders have single braces, and {brace:open} is the character"
          : "a { without its }; write {brace:open} for the character itself")
    }
    switch rest[..<end] {
    case "brace:open": add("{")
    case "brace:close": add("}")
    case let name: parts.append(.placeholder(try Placeholder(String(name))))
    }
    rest = rest[rest.index(after: end)...]
  }

  private mutating func add(_ text: Substring) {
    guard !text.isEmpty else { return }
    if case .literal(let before) = parts.last {
      parts[parts.count - 1] = .literal(before + text)
    } else {
      parts.append(.literal(String(text)))
    }
  }

  /// The placeholders in order.
  var placeholders: [Placeholder] {
    parts.compactMap { if case .placeholder(let placeholder) = $0 { placeholder } else { nil } }
  }

  /// The text with something in the place of each placeholder.
  func joined(_ content: (Placeholder) -> String) -> String {
    parts.map { part in
      switch part {
      case .literal(let literal): literal
      case .placeholder(let placeholder): content(placeholder)
      }
    }.joined()
  }

  /// Whether there is nothing to send: a placeholder alone that is empty, or a scan that is not there.
  ///
  /// `{fn} {ln}` with one of the two empty is still a name; half a data URI is nothing.
  func isAbsent(in row: RowContent) -> Bool {
    for case .image(let side, _) in placeholders where !row.sides.contains(side) { return true }
    guard parts.count == 1, case .column = placeholders.first else { return false }
    return placeholders.first.flatMap(row.text) == nil
  }
}

/// What a row has for the placeholders.
struct RowContent {
  let fields: CustomerFields
  let sides: Set<Side>
  /// The scans, absent while only the size of everything else is wanted.
  let images: [Side: EncodedImage]

  init(_ assembly: Assembly) {
    fields = assembly.record.fields
    sides = Set(assembly.images.keys)
    images = assembly.images
  }

  /// The row with scans of no bytes.
  init(measuring record: IntakeRecord) {
    fields = record.fields
    sides = Set(record.images.map(\.side))
    images = [:]
  }

  /// The text for a placeholder, nil when the row has none, and for scans and secrets.
  func text(_ placeholder: Placeholder) -> String? {
    switch placeholder {
    case .column(let name, let form):
      guard let cell = fields[name]?.exposed else { return nil }
      let date = form == nil ? nil : CalendarDate(cell)
      return (form == .compact ? date?.compact : date?.dashed) ?? cell
    case .image(let side, .mediaType): return sides.contains(side) ? mediaType(side) : nil
    case .image, .secret: return nil
    }
  }

  /// JPEG, unless a third-party stage makes PNG.
  func mediaType(_ side: Side) -> String {
    "image/" + (images[side]?.prepared.report.sent.format ?? .jpeg).rawValue
  }

  /// The texts that must not be shown: all cells except the operator's own names for the row.
  var personalTexts: [Personal<String>] {
    let cells = fields.columns.filter { $0.column != .id && $0.column != .reference }
      .compactMap { fields[$0] }
    let dates = cells.compactMap { CalendarDate($0.exposed) }
    let texts = cells.map(\.exposed) + dates.flatMap { [$0.compact, $0.dashed] }
    return Set(texts + texts.map { PercentText.encoded($0) }).map { Personal($0) }
  }
}
