import IntakeCore
import NoahStage
import Testing

/// An invented customer with every column that Noah takes, and changes to it.
struct Row {
  var cells: [String: String] = [
    "id": "N-2001", "email": "lena.whitcombe@example.com", "fn": "Lena", "mn": "Ruth",
    "ln": "Whitcombe", "addr": "903 Juniper Avenue", "addr2": "Unit 12", "city": "Sacramento",
    "state": "CA", "zip": "95814", "country": "US", "dob": "19900521", "phone": "+19165550134",
    "id_type": "DrivingLicense", "id_number": "SP7734120", "id_country": "US",
    "id_issued": "20210503", "id_expiry": "2031-05-02", "id_type_2": "TaxID",
    "id_number_2": "000-00-0134", "id_country_2": "US",
  ]

  /// The row with some cells changed; an empty text empties the cell.
  static func with(_ changes: [String: String] = [:]) -> Row {
    var row = Row()
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
      images: [])
  }

  /// The request that Noah's stage makes of the row.
  func submission(_ options: [String: OptionValue] = [:]) throws -> Submission {
    let stage = try Noah(given: options)
    return try stage.run(
      Assembly(record: record, images: [:]), in: StageContext(row: record.row))
  }

  /// What Noah's stage finds wrong with the row.
  func problems(_ options: [String: OptionValue] = [:]) throws -> [StageFailure] {
    try Noah(given: options).problems(in: record)
  }
}

extension Submission {
  /// The body as it is sent without secrets.
  var text: String { String(decoding: body.flatMap { $0.bytes(with: nil) }, as: UTF8.self) }
}
