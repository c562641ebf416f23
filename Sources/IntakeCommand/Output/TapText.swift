import IntakeCore

/// Describes a value on its way between two stages without showing what is personal or secret.
struct TapText {
  let hidesPaths: Bool

  /// One line for `--tap`: what entered a stage and what left it.
  func fields(_ stage: String, _ input: any Sendable, _ output: any Sendable, _ row: RowReference)
    -> JSONFields
  {
    [
      ("type", "tap"), ("stage", stage), ("row", row.line), ("id", row.id),
      ("in", describe(input)), ("out", describe(output)),
    ]
  }

  private func describe(_ value: any Sendable) -> JSONOutput {
    JSONOutput(fields: [("value", "\(type(of: value))")] + fields(value))
  }

  private func fields(_ value: any Sendable) -> JSONFields {
    switch value {
    case let file as ImageFile:
      [("side", file.side.rawValue), ("file", hidesPaths ? nil : file.path)]
    case let image as DocumentImage:
      picture(image.side, image.header.format, image.uprightSize, bytes: image.sourceBytes)
    case let image as PreparedImage:
      picture(
        image.side, image.report.sent.format, image.report.sent.size, bytes: image.bytes.count)
    case let image as EncodedImage:
      [("side", image.side.rawValue), ("base64Bytes", image.base64.count)]
    case let record as IntakeRecord: [("columns", columns(record))]
    case let assembly as Assembly:
      [
        ("columns", columns(assembly.record)),
        ("images", assembly.images.keys.sorted().map(\.rawValue)),
      ]
    case let submission as Submission:
      [
        ("method", submission.method), ("operation", submission.operation),
        ("bodyBytes", submission.bodySize(with: nil)),
        ("followUps", submission.followUps.isEmpty ? nil : submission.followUps.map(\.name)),
      ]
    case let receipt as Receipt:
      [
        ("outcome", receipt.outcome.verdict.rawValue), ("http", receipt.http.orNull),
        ("code", (receipt.code?.rawValue).orNull),
      ]
    default: []
    }
  }

  private func picture(_ side: Side, _ format: ImageFormat, _ size: PixelSize, bytes: Int)
    -> JSONFields
  {
    [
      ("side", side.rawValue), ("format", format.rawValue), ("width", size.width),
      ("height", size.height), ("bytes", bytes),
    ]
  }

  /// The names of the columns that hold something, never their cells.
  private func columns(_ record: IntakeRecord) -> [String] {
    record.fields.columns.map(\.description).sorted()
  }
}
