public import IntakeCore
import IntakeImaging

/// A value that can travel to a program and back: its form in messages, and how an answer is checked.
public protocol ItemKind: Sendable {
  /// What the stage takes and returns.
  associatedtype Value: Sendable
  /// The name of the kind in plans and messages: `image`, `prepared`, `submission`.
  static var name: String { get }
  /// Prepares a value for its journey.
  init(_ value: Value) throws
  /// The fields of the message, in order.
  func fields(in context: StageContext) -> JSONFields
  /// The bytes that follow the message.
  var payload: [[UInt8]] { get }
  /// The value that an answer stands for.
  ///
  /// - Throws: `StageFailure` when it is none, or must not go on.
  func value(from answer: ItemAnswer, in context: StageContext) throws -> Value
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

/// A scan on its way to a program: the file as it came, or as JPEG where a stage has changed its pixels.
public struct ImageItem: ItemKind {
  /// `image`.
  public static let name = "image"
  private let image: DocumentImage
  private let header: ImageHeader
  private let bytes: [UInt8]

  /// Takes the file, or encodes what another stage has changed.
  public init(_ value: DocumentImage) throws {
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
  public init(_ value: PreparedImage) throws {
    image = value
    header = try ImageHeader(reading: value.bytes)
  }

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
