public import IntakeCore
import IntakeImaging

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
  public func fields(in context: StageContext) -> [(String, JSONOutput)] {
    [
      ("side", .string(image.side.rawValue)),
      ("image", header.json(bytes: image.bytes.count, maximum: context.imageBudget)),
    ]
  }

  /// The program's image, decoded once to its end and freed of metadata, within the budget.
  ///
  /// Nothing looks at an image after this stage, so all that `shrink` promises is checked again.
  public func value(from answer: ItemAnswer, in context: StageContext) throws -> PreparedImage {
    guard let bytes = answer.bytes(of: answer.message["image"]) else {
      throw StageFailure(.stageProtocol, "a result without an image")
    }
    let found = try checked(bytes)
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
        .stageProtocol, "the program's image is no upright JPEG in gray or colour",
        hint: "turn the pixels upright and save them as JPEG, RGB or gray")
    }
    let codec = ImageCodec()
    let document = DocumentImage(
      side: image.side, file: "", header: header, bytes: bytes, codec: codec)
    var copier = ImageShrinker()
    copier.edge = .max
    copier.maximumBytes = 1 << 40
    let copy = try copier.prepare(document)
    var report = image.report
    report.sent = copy.report.sent
    report.reason += "; then changed by a program"
    return PreparedImage(side: image.side, bytes: copy.bytes, report: report)
  }
}
