import IntakeCore
import IntakeImaging

/// A value that can be sent to a program and come back: its form in messages, and how an answer is checked.
protocol ItemKind: Sendable {
  /// What the stage takes and returns.
  associatedtype Value: Sendable
  static var name: ItemName { get }
  init(_ value: Value, _ options: ExternalOptions) throws
  /// Whether the program has to see it.
  var isWanted: Bool { get }
  /// The value that goes on when the program leaves it as it is.
  var unchanged: Value { get }
  /// The fields of the message, in order.
  func fields(in context: StageContext) -> JSONFields
  /// The bytes that follow the message.
  var payload: [[UInt8]] { get }
  /// The value that an answer brings, once it has been checked.
  func value(from answer: ProtocolMessage, in context: StageContext) throws -> Value
}

extension ItemKind {
  var isWanted: Bool { true }
}

/// A file that nothing has looked into yet; the program makes a JPEG or PNG of it.
struct FileItem: ItemKind {
  static let name = ItemName.file
  private let bytes: [UInt8]
  private let format: String
  /// The file, whose bytes the decoder needn't read again.
  let unchanged: ImageFile
  let isWanted: Bool

  init(_ value: ImageFile, _ options: ExternalOptions) throws {
    bytes = try value.read(atMost: options.maxBytes)
    unchanged = value.holding(bytes)
    format = FileFormat(recognizing: bytes)?.id ?? FileItem.unknown
    isWanted =
      options.formats.isEmpty
      ? ImageFormat(rawValue: format) == nil : options.formats.contains(format)
  }

  /// The name of unrecognised formats.
  private static let unknown = "unknown"
  /// All that the option `formats` may name.
  static let formats = FileFormat.ids + [unknown]

  var payload: [[UInt8]] { [bytes] }

  func fields(in context: StageContext) -> JSONFields {
    let file: JSONFields = [("format", format), ("bytes", bytes.count)]
    return [
      ("side", unchanged.side.rawValue), ("page", unchanged.page),
      ("image", JSONOutput(fields: file)),
    ]
  }

  /// The file that the program made; the decoder checks it like one of the manifest.
  func value(from answer: ProtocolMessage, in context: StageContext) throws -> ImageFile {
    let made = try answer.image()
    guard ImageFormat(recognizing: made) != nil else {
      throw StageFailure(.stageProtocol, "what the program made is neither JPEG nor PNG")
    }
    return unchanged.converted(to: made, from: format, of: bytes.count)
  }
}

/// A scan: the file as it came, or a JPEG when a stage has changed its pixels.
struct ImageItem: ItemKind {
  static let name = ItemName.image
  let unchanged: DocumentImage
  private let header: ImageHeader
  private let bytes: [UInt8]

  init(_ value: DocumentImage, _ options: ExternalOptions) throws {
    unchanged = value
    switch value.content {
    case .encoded(let bytes):
      self.bytes = bytes
      header = value.header
    case .edited:
      var encoder = ImageShrinker.unbounded
      // Above this a JPEG grows fast and nobody sees the difference.
      encoder.quality = 95
      bytes = try encoder.prepare(value).bytes
      header = try ImageHeader(reading: bytes)
    }
  }

  var payload: [[UInt8]] { [bytes] }

  func fields(in context: StageContext) -> JSONFields {
    [("side", unchanged.side.rawValue), ("image", header.json(bytes: bytes.count))]
  }

  /// The scan with the program's file in place of its own, checked like a file of the manifest.
  ///
  /// A scanner may leave out the end marker; a program that does so has not written its file to the end.
  func value(from answer: ProtocolMessage, in context: StageContext) throws -> DocumentImage {
    let bytes = try answer.image()
    let image = try unchanged.replacing(encoded: bytes)
    guard !image.header.lacksEnd else {
      throw StageFailure(.damagedImage, "the JPEG ends early, after \(bytes.count) bytes")
    }
    return image
  }
}

/// An image that is ready to send.
struct PreparedItem: ItemKind {
  static let name = ItemName.prepared
  let unchanged: PreparedImage
  private let header: ImageHeader

  init(_ value: PreparedImage, _ options: ExternalOptions) throws {
    unchanged = value
    header = try ImageHeader(reading: value.bytes)
  }

  var payload: [[UInt8]] { [unchanged.bytes] }

  func fields(in context: StageContext) -> JSONFields {
    [
      ("side", unchanged.side.rawValue),
      ("image", header.json(bytes: unchanged.bytes.count, maximum: context.imageBudget)),
    ]
  }

  /// The program's image within the budget, decoded once to its end and without metadata.
  ///
  /// Nothing looks at an image after this stage, so all that `shrink` promises is checked again.
  func value(from answer: ProtocolMessage, in context: StageContext) throws -> PreparedImage {
    let found = try checked(answer.image())
    if let budget = context.imageBudget, found.bytes.count > budget {
      throw StageFailure(
        .cannotFit, "the program's image has \(found.bytes.count) bytes, the budget is \(budget)",
        hint: "lower shrink.max-bytes so that the program has room, or mend the program")
    }
    return found
  }

  private func checked(_ bytes: [UInt8]) throws -> PreparedImage {
    let header = try ImageHeader(reading: bytes)
    guard header.orientation == .upright, header.components != 4, header.format == .jpeg else {
      throw StageFailure(
        .stageProtocol, "the program's image isn't an upright JPEG in gray or colour",
        hint: "turn the pixels upright and save them as JPEG, RGB or gray")
    }
    let document = DocumentImage(
      side: unchanged.side, file: "", header: header, bytes: bytes, codec: ImageCodec())
    let copy = try ImageShrinker.unbounded.prepare(document)
    var report = unchanged.report
    report.sent = copy.report.sent
    report.reason += "; then changed by a program"
    return PreparedImage(side: unchanged.side, bytes: copy.bytes, report: report)
  }
}

extension ImageShrinker {
  /// Changes neither size nor quality: takes metadata off, or encodes pixels.
  fileprivate static var unbounded: ImageShrinker {
    var shrinker = ImageShrinker()
    shrinker.edge = .max
    shrinker.maximumBytes = 1 << 40
    return shrinker
  }
}

extension ImageHeader {
  fileprivate func json(bytes: Int, maximum: Int? = nil) -> JSONOutput {
    JSONOutput(fields: [
      ("format", format.rawValue), ("width", size.width), ("height", size.height),
      ("orientation", orientation.rawValue), ("bytes", bytes), ("max", maximum),
    ])
  }
}
