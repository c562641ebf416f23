public import IntakeCore
import IntakeImaging

/// A scan on its way to a program: the file as it came, or as JPEG where a stage has changed its pixels.
public struct ImageItem: ItemKind {
  /// `image`.
  public static let name = "image"
  private let image: DocumentImage
  private let header: ImageHeader
  private let bytes: [UInt8]

  /// Above this a JPEG grows fast and nobody sees the difference.
  private static let editedQuality = 95

  /// Takes the file, or encodes what another stage has changed.
  public init(_ value: DocumentImage) throws {
    image = value
    switch value.content {
    case .encoded(let bytes):
      self.bytes = bytes
      header = value.header
    case .edited:
      let prepared = try ImageItem.encoder.prepare(value)
      bytes = prepared.bytes
      header = try ImageHeader(reading: bytes)
    }
  }

  private static var encoder: ImageShrinker {
    var shrinker = ImageShrinker()
    shrinker.edge = .max
    shrinker.quality = editedQuality
    shrinker.maximumBytes = 1 << 40
    return shrinker
  }

  /// The bytes that follow the message.
  public var payload: [[UInt8]] { [bytes] }

  /// Side, form and size; the orientation is the one that EXIF tells, 1 for upright.
  public func fields(in context: StageContext) -> [(String, JSONOutput)] {
    [
      ("side", .string(image.side.rawValue)),
      ("image", header.json(bytes: bytes.count)),
    ]
  }

  /// The scan with the program's file in place of its own, looked at as closely as a file of the manifest.
  public func value(from answer: ItemAnswer, in context: StageContext) throws -> DocumentImage {
    guard let bytes = answer.bytes(of: answer.message["image"]) else {
      throw StageFailure(.stageProtocol, "a result without an image")
    }
    return try image.replacing(encoded: bytes)
  }
}

extension ImageHeader {
  /// The image in a message.
  func json(bytes: Int, maximum: Int? = nil) -> JSONOutput {
    var fields: [(String, JSONOutput)] = [
      ("format", .string(format.rawValue)), ("width", .integer(size.width)),
      ("height", .integer(size.height)), ("orientation", .integer(orientation.rawValue)),
      ("bytes", .integer(bytes)),
    ]
    if let maximum { fields.append(("max", .integer(maximum))) }
    return .object(fields)
  }
}
