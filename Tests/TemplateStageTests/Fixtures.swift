import IntakeCore
import TemplateStage

/// An invented customer with two scans, and changes to it.
struct Row {
  var cells: [String: String] = [
    "id": "T-1", "reference": "R-1", "email": "Ada.Lind@example.com", "fn": "Ada", "ln": "Lind",
    "dob": "1990-05-21",
  ]
  var sides: [Side] = [.front, .back]

  /// The row with some cells changed; an empty text empties the cell.
  static func with(_ changes: [String: String] = [:], sides: [Side] = [.front, .back]) -> Row {
    var row = Row(sides: sides)
    for (name, text) in changes { row.cells[name] = text.isEmpty ? nil : text }
    return row
  }

  var record: IntakeRecord {
    var fields = CustomerFields()
    for (name, text) in cells {
      guard let place = ColumnName(name) else { continue }
      fields[place.column, place.number] = Personal(text)
    }
    return IntakeRecord(
      row: RowReference(line: 2, id: cells["id"]), identity: Personal([]), fields: fields,
      images: sides.map { side in ImageFile(side: side, path: "\(side).jpg") { _ in [] } })
  }

  /// A scan whose base64 is easy to see in a body.
  static func image(_ side: Side, _ format: ImageFormat = .jpeg) -> EncodedImage {
    let form = ShrinkReport.Form(format: format, size: PixelSize(width: 1, height: 1), bytes: 3)
    let report = ShrinkReport(source: form, sent: form, method: .passthrough, reason: "a test")
    let text = side == .front ? "RlJPTlQ=" : "QkFDSw=="
    return EncodedImage(
      base64: Array(text.utf8),
      prepared: PreparedImage(side: side, bytes: [1, 2, 3], report: report))
  }

  var assembly: Assembly {
    let images = sides.map { ($0, Row.image($0)) }
    return Assembly(record: record, images: Dictionary(images) { first, _ in first })
  }

  /// The request that a template makes of the row.
  func submission(_ options: [String: OptionValue]) throws -> Submission {
    try Template.with(options).run(assembly, in: StageContext(row: record.row))
  }

  /// The body that a template makes of the row, without secrets.
  func body(_ template: String) throws -> String {
    try submission(["body": .text(template)]).text
  }
}

extension Template {
  /// A stage with these options and, unless they hold one, a small body.
  static func with(_ options: [String: OptionValue]) throws -> Template {
    let body = options["body-file"] == nil ? OptionValue.text(#"{"id":"{id}"}"#) : nil
    let all = options.merging(body.map { ["body": $0] } ?? [:]) { given, _ in given }
    return try Template(given: all)
  }
}

extension Submission {
  /// The body as it is sent without secrets.
  var text: String { String(decoding: body.flatMap { $0.bytes(with: nil) }, as: UTF8.self) }

  /// The request as it is sent.
  func request(_ credentials: [String: String], endpoint: String = "https://api.example/v1") throws
    -> HTTPRequest
  {
    try target.request(
      for: self, endpoint: endpoint,
      credentials: Credentials(credentials.mapValues { Secret($0) }), at: 0)
  }
}
