public import IntakeCore
import IntakeImaging

/// A value that can travel to a program and back: its form in messages, and how an answer is checked.
public protocol ItemKind: Sendable {
  /// What the stage takes and returns.
  associatedtype Value: Sendable
  /// The name of the kind in plans and messages: `file`, `image`, `prepared`, `submission`.
  static var name: String { get }
  /// Prepares a value for its journey.
  init(_ value: Value, _ options: ExternalOptions) throws
  /// Whether the program has to see it.
  var isWanted: Bool { get }
  /// The value that goes on where the program leaves it as it is.
  var unchanged: Value { get }
  /// The fields of the message, in order.
  func fields(in context: StageContext) -> JSONFields
  /// The bytes that follow the message.
  var payload: [[UInt8]] { get }
  /// The value that an answer stands for.
  ///
  /// - Throws: `StageFailure` when it is none, or must not go on.
  func value(from answer: ItemAnswer, in context: StageContext) throws -> Value
}

extension ItemKind {
  /// The program sees every item.
  public var isWanted: Bool { true }
}

/// An answer that changes an item: its message and the bytes that came with each part.
public struct ItemAnswer: Sendable {
  /// The message.
  public let message: JSONValue
  /// The bytes by the place of the object whose `bytes` announced them.
  let parts: [Int: [UInt8]]

  /// The bytes that an object of the message announced, nil when it announced none.
  public func bytes(of object: JSONValue?) -> [UInt8]? { object.flatMap { parts[$0.offset] } }

  func image() throws(StageFailure) -> [UInt8] {
    guard let bytes = bytes(of: message["image"]) else {
      throw StageFailure(.stageProtocol, "a result without an image")
    }
    return bytes
  }
}

/// A file that nothing has looked into, on its way to a program that makes another format a JPEG or PNG.
public struct FileItem: ItemKind {
  /// `file`.
  public static let name = "file"
  private let bytes: [UInt8]
  private let format: String
  /// The file, whose bytes the decoder needn't read again.
  public let unchanged: ImageFile
  /// Whether it is of one of the formats that the option `formats` names.
  public let isWanted: Bool

  /// Reads and recognises the file.
  public init(_ value: ImageFile, _ options: ExternalOptions) throws {
    bytes = try value.read(atMost: options.maxBytes)
    unchanged = value.holding(bytes)
    format = FileFormat(recognizing: bytes)?.id ?? FileItem.unknown
    isWanted =
      options.formats.isEmpty
      ? ImageFormat(rawValue: format) == nil : options.formats.contains(format)
  }

  /// The name of a format that nobody recognises.
  private static let unknown = "unknown"
  /// All that `formats` may name.
  static let formats = FileFormat.ids + [unknown]

  /// The bytes that follow the message.
  public var payload: [[UInt8]] { [bytes] }

  /// Side, page, and the format by content.
  public func fields(in context: StageContext) -> JSONFields {
    let file: JSONFields = [("format", format), ("bytes", bytes.count)]
    return [
      ("side", unchanged.side.rawValue), ("page", unchanged.page),
      ("image", JSONOutput(fields: file)),
    ]
  }

  /// The file that the program made; the decoder looks into it as closely as into one of the manifest.
  public func value(from answer: ItemAnswer, in context: StageContext) throws -> ImageFile {
    let made = try answer.image()
    guard ImageFormat(recognizing: made) != nil else {
      throw StageFailure(.stageProtocol, "what the program made is neither JPEG nor PNG")
    }
    return unchanged.converted(to: made, from: format, of: bytes.count)
  }
}

/// A scan on its way to a program: the file as it came, or as JPEG where a stage has changed its pixels.
public struct ImageItem: ItemKind {
  /// `image`.
  public static let name = "image"
  private let image: DocumentImage
  private let header: ImageHeader
  private let bytes: [UInt8]

  /// Takes the file, or encodes what another stage has changed.
  public init(_ value: DocumentImage, _ options: ExternalOptions) throws {
    image = value
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

  /// The scan as it came.
  public var unchanged: DocumentImage { image }

  /// The bytes that follow the message.
  public var payload: [[UInt8]] { [bytes] }

  /// Side, form and size; the orientation is that of EXIF, 1 for upright.
  public func fields(in context: StageContext) -> JSONFields {
    [("side", image.side.rawValue), ("image", header.json(bytes: bytes.count))]
  }

  /// The scan with the program's file in place of its own, looked at as closely as a file of the manifest.
  ///
  /// A scanner may leave out the end marker; a program that does so has not written its file to the end.
  public func value(from answer: ItemAnswer, in context: StageContext) throws -> DocumentImage {
    let bytes = try answer.image()
    let image = try image.replacing(encoded: bytes)
    guard !image.header.lacksEnd else {
      throw StageFailure(.damagedImage, "the JPEG ends early, after \(bytes.count) bytes")
    }
    return image
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
  func json(bytes: Int, maximum: Int? = nil) -> JSONOutput {
    JSONOutput(fields: [
      ("format", format.rawValue), ("width", size.width), ("height", size.height),
      ("orientation", orientation.rawValue), ("bytes", bytes), ("max", maximum),
    ])
  }
}

/// An image that is ready to send, on its way to a program.
public struct PreparedItem: ItemKind {
  /// `prepared`.
  public static let name = "prepared"
  private let image: PreparedImage
  private let header: ImageHeader

  /// Takes the image as it would be sent.
  public init(_ value: PreparedImage, _ options: ExternalOptions) throws {
    image = value
    header = try ImageHeader(reading: value.bytes)
  }

  /// The image as it came.
  public var unchanged: PreparedImage { image }

  /// The bytes that follow the message.
  public var payload: [[UInt8]] { [image.bytes] }

  /// Side, form, size, and the most bytes that the answer may have.
  public func fields(in context: StageContext) -> JSONFields {
    [
      ("side", image.side.rawValue),
      ("image", header.json(bytes: image.bytes.count, maximum: context.imageBudget)),
    ]
  }

  /// The program's image, decoded once to its end and freed of metadata, within the budget.
  ///
  /// Nothing looks at an image after this stage, so all that `shrink` promises is checked again.
  public func value(from answer: ItemAnswer, in context: StageContext) throws -> PreparedImage {
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
      side: image.side, file: "", header: header, bytes: bytes, codec: ImageCodec())
    let copy = try ImageShrinker.unbounded.prepare(document)
    var report = image.report
    report.sent = copy.report.sent
    report.reason += "; then changed by a program"
    return PreparedImage(side: image.side, bytes: copy.bytes, report: report)
  }
}
