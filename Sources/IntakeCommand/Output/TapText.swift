import IntakeCore

/// Describes a value on its way between two stages without showing what is personal or secret.
struct TapText: Sendable {
  let hidesPaths: Bool

  /// One line for `--tap`: what entered a stage and what left it.
  func json(_ stage: String, _ input: any Sendable, _ output: any Sendable, _ row: RowReference)
    -> JSONOutput
  {
    .present([
      ("type", .string("tap")), ("stage", .string(stage)), ("row", .integer(row.line)),
      ("id", .text(row.id)), ("in", describe(input)), ("out", describe(output)),
    ])
  }

  private func describe(_ value: any Sendable) -> JSONOutput {
    .present([("value", .string("\(type(of: value))"))] + fields(value))
  }

  private func fields(_ value: any Sendable) -> [(String, JSONOutput?)] {
    switch value {
    case let file as ImageFile:
      [("side", .string(file.side.rawValue)), ("file", hidesPaths ? nil : .string(file.path))]
    case let image as DocumentImage:
      size(image.uprightSize, image.header.format, image.sourceBytes, image.side)
    case let image as PreparedImage:
      size(image.report.sent.size, image.report.sent.format, image.bytes.count, image.side)
    case let image as EncodedImage:
      [("side", .string(image.side.rawValue)), ("base64Bytes", .integer(image.base64.count))]
    case let record as IntakeRecord: [("columns", columns(record))]
    case let assembly as Assembly:
      [
        ("columns", columns(assembly.record)),
        ("images", .array(assembly.images.keys.sorted().map { .string($0.rawValue) })),
      ]
    case let submission as Submission:
      [
        ("method", .string(submission.method)), ("operation", .string(submission.operation)),
        ("bodyBytes", .integer(submission.bodySize(with: nil))),
        (
          "followUps",
          submission.followUps.isEmpty
            ? nil : .array(submission.followUps.map { .string($0.name) })
        ),
      ]
    case let receipt as Receipt:
      [
        ("outcome", .string(receipt.outcome.verdict.rawValue)),
        ("http", .count(receipt.http) ?? .null), ("code", .optional(receipt.code?.rawValue)),
      ]
    default: []
    }
  }

  private func size(_ size: PixelSize, _ format: ImageFormat, _ bytes: Int, _ side: Side)
    -> [(String, JSONOutput?)]
  {
    [
      ("side", .string(side.rawValue)), ("format", .string(format.rawValue)),
      ("width", .integer(size.width)), ("height", .integer(size.height)),
      ("bytes", .integer(bytes)),
    ]
  }

  /// The names of the columns that hold something, never their cells.
  private func columns(_ record: IntakeRecord) -> JSONOutput {
    .array(record.fields.columns.map(\.description).sorted().map { .string($0) })
  }
}
