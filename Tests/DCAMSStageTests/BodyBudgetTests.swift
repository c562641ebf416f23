import DCAMSStage
import IntakeCore
import Testing

/// Whatever a row holds, images that keep to the budget make a body that keeps to the limit.
struct BodyBudgetTests {
  /// The longest that the budget has room for besides fields and images.
  private let credentials = Credentials([
    "user": Secret(String(repeating: "u", count: 100)),
    "pass": Secret(String(repeating: "\"", count: 150)),
  ])

  private func stage(_ maxBody: Int) throws -> DCAMS {
    try DCAMS(given: ["max-body": .integer(maxBody)])
  }

  private func record(_ name: String, sides: [Side]) -> IntakeRecord {
    var fields = CustomerFields()
    fields[.email] = Personal("ann@example.com")
    fields[.fn] = Personal(name)
    return IntakeRecord(
      row: RowReference(line: 2), identity: Personal([]), fields: fields,
      images: sides.map { ImageFile(side: $0, path: "\($0.rawValue).jpg") { _ in [] } })
  }

  private func image(_ side: Side, bytes: Int) -> EncodedImage {
    let form = ShrinkReport.Form(
      format: .jpeg, size: PixelSize(width: 8, height: 8), bytes: bytes)
    let report = ShrinkReport(source: form, sent: form, method: .passthrough, reason: "")
    let content = [UInt8](repeating: 0xA5, count: bytes)
    return EncodedImage(
      base64: Base64Text.encode(content),
      prepared: PreparedImage(side: side, bytes: content, report: report))
  }

  @Test(
    arguments: [2_000, 2_001, 2_002, 2_003, 50_000, 1_000_000], [[Side.front], [.front, .back]])
  func imagesWithinTheBudgetFitTheBody(maxBody: Int, sides: [Side]) throws {
    // Quotes and control characters take more bytes in JSON than in the cell.
    for name in ["Ann", String(repeating: "\"", count: 200), String(repeating: "\u{1}", count: 40)]
    {
      let stage = try stage(maxBody)
      let record = record(name, sides: sides)
      let budget = try #require(stage.imageBudget(for: record))
      // The worst split: every side but the last leaves base64 with two bytes of padding.
      let first = sides.count == 1 ? budget : budget / 2 - (budget / 2 + 2) % 3
      var images = [sides[0]: image(sides[0], bytes: first)]
      if sides.count == 2 { images[sides[1]] = image(sides[1], bytes: budget - first) }
      let submission = try stage.run(
        Assembly(record: record, images: images), in: StageContext(row: record.row))
      let size = submission.bodySize(with: credentials)
      #expect(size <= maxBody, "\(size) bytes with images of \(budget)")
      // What is kept free for names and credentials is a page of text, not a part of the images.
      #expect(size >= maxBody - 150, "\(size) bytes with images of \(budget)")
    }
  }

  @Test func fieldsThatFillTheBodyLeaveNothing() throws {
    let record = record(String(repeating: "x", count: 3_000), sides: [.front])
    #expect(try stage(2_000).imageBudget(for: record) == 0)
  }
}
