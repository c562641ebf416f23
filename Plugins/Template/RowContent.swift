import IntakeCore

/// What a row has for the placeholders.
struct RowContent {
  let fields: CustomerFields
  /// The sides that the row has.
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
      guard let cell = fields[name.column, name.number]?.exposed else { return nil }
      let date = form == nil ? nil : CalendarDate(cell)
      return (form == .compact ? date?.compact : date?.dashed) ?? cell
    case .image(let side, .mediaType): return sides.contains(side) ? mediaType(side) : nil
    case .brace(let character): return character
    case .image, .secret: return nil
    }
  }

  /// JPEG is what is sent unless a stage of somebody else's makes PNG.
  func mediaType(_ side: Side) -> String {
    "image/" + (images[side]?.prepared.report.sent.format ?? .jpeg).rawValue
  }

  /// The texts that must not be shown: all cells but those by which the operator names the row.
  var personalTexts: [Personal<String>] {
    let cells = fields.columns.filter { $0.column != .id && $0.column != .reference }
      .compactMap { fields[$0.column, $0.number] }
    let dates = cells.compactMap { CalendarDate($0.exposed) }
    let texts = cells.map(\.exposed) + dates.flatMap { [$0.compact, $0.dashed] }
    return Set(texts + texts.map { PercentText.encoded($0) }).map { Personal($0) }
  }
}
