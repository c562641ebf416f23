import IntakeCore

/// The bytes by which two outputs of a stage are told apart, and the side that an image shows.
struct ComparableForm: Equatable {
  let bytes: [UInt8]
  let side: Side?

  /// Nil for types that nothing is known about.
  init?(_ value: any Sendable) {
    switch value {
    case let image as DocumentImage: self.init(Self.content(image), image.side)
    case let image as PreparedImage: self.init(image.bytes, image.side)
    case let image as EncodedImage: self.init(image.base64, image.side)
    case let submission as Submission: self.init(Self.content(submission), nil)
    case let record as IntakeRecord: self.init(Self.content(record), nil)
    default: return nil
    }
  }

  private init(_ bytes: [UInt8], _ side: Side?) { (self.bytes, self.side) = (bytes, side) }

  /// The side of an input, nil for what shows none.
  static func side(of value: any Sendable) -> Side? {
    (value as? ImageFile)?.side ?? ComparableForm(value)?.side
  }

  private static func content(_ image: DocumentImage) -> [UInt8] {
    switch image.content {
    case .encoded(let bytes): return bytes
    case .edited(let bitmap):
      return bitmap.luma.samples + (bitmap.chroma.map { $0.blue.samples + $0.red.samples } ?? [])
    }
  }

  private static func content(_ submission: Submission) -> [UInt8] {
    let head =
      [submission.method, submission.path]
      + submission.headers.map { "\($0.name):\($0.value)" }
    return Array(head.joined(separator: "\n").utf8)
      + submission.body.flatMap { $0.bytes(with: nil) }
  }

  private static func content(_ record: IntakeRecord) -> [UInt8] {
    let cells = record.fields.columns.sorted { "\($0)" < "\($1)" }
      .map { "\($0)=\(record.fields[$0.column, $0.number]?.exposed ?? "")" }
    return Array(cells.joined(separator: "\n").utf8)
  }
}
