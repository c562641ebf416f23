import IntakeCore

/// An item as the host sends it to a program under test.
struct ProgramItem {
  enum Kind: String, CaseIterable { case file, image, prepared, submission }

  var kind: Kind
  var id: String
  var bytes: [UInt8]
  var format = "jpeg"
  var size = PixelSize(width: 320, height: 200)
  var orientation = Orientation.upright
  /// Keys that no version of the protocol has.
  var more: JSONFields = []

  init(_ kind: Kind, id: String) throws {
    self.kind = kind
    self.id = id
    let body = #"{"user":"\#(ProgramItem.mark)","service":"createOrUpdateCustomer"}"#
    switch kind {
    case .submission: bytes = Array(body.utf8)
    case .file: (bytes, format) = (SampleImage.bmp(), "bmp")
    case .image, .prepared: bytes = try ProgramItem.picture.get()
    }
  }

  /// Drawn once: a check sends it some thirty times.
  private static let picture = Result { try SampleImage.jpeg() }

  /// Stands for a secret of the request, and has to come back.
  private static let mark = "docintake-secret-0123456789-1-"

  var message: JSONOutput {
    JSONOutput(fields: [("kind", "item"), ("id", id)] + part + more)
  }

  /// The same picture as a phone stores it: lying on its side, with a tag that says so.
  func lyingOnItsSide() -> ProgramItem {
    // APP1 "Exif", a little-endian TIFF block with one entry: tag 0x0112, one SHORT, 6.
    let exif: [UInt8] =
      [0xFF, 0xE1, 0x00, 0x22] + Array("Exif\0\0II*\0".utf8) + [8, 0, 0, 0, 1, 0]
      + [0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]
    var item = self
    item.orientation = .turnRight
    item.bytes = Array(bytes.prefix(2)) + exif + bytes.dropFirst(2)
    return item
  }

  private var part: JSONFields {
    if kind == .file {
      let file: JSONFields = [("format", format), ("bytes", bytes.count)]
      return [("side", "front"), ("page", 1), ("image", JSONOutput(fields: file))]
    }
    guard kind == .submission else {
      let image: JSONFields = [
        ("format", format), ("width", size.width), ("height", size.height),
        ("orientation", orientation.rawValue), ("bytes", bytes.count),
      ]
      return [("side", "front"), ("image", JSONOutput(fields: image))]
    }
    let submission: JSONFields = [
      ("operation", "createOrUpdateCustomer"), ("method", "POST"), ("path", ""),
      ("headers", [["Content-Type", "application/json"]]), ("secrets", [ProgramItem.mark]),
      ("body", ["bytes": bytes.count]),
    ]
    return [("submission", JSONOutput(fields: submission))]
  }

  /// What is wrong with an answer, nil if nothing is; with `mayFail`, any result will do.
  func problem(with reply: WireProgram.Reply, mayFail: Bool) -> String? {
    guard reply.message["id"]?.string == id else { return "the answer has another id" }
    switch reply.kind {
    case "pass": return nil
    case "reject":
      // A quality gate may well reject this drawing.
      return reply.message["code"]?.string?.isEmpty == false ? nil : "reject without a \"code\""
    case "result": return mayFail ? nil : problem(withResult: reply)
    default: return "the answer is of kind \"\(Sanitizer.clean(reply.kind, limit: 40))\""
    }
  }

  private func problem(withResult reply: WireProgram.Reply) -> String? {
    if kind == .submission {
      guard let body = reply.bytes else {
        return reply.message["submission"] == nil ? "a result without a submission" : nil
      }
      return String(decoding: body, as: UTF8.self).ranges(of: ProgramItem.mark).count == 1
        ? nil : "the mark of the secret did not come back exactly once"
    }
    guard let bytes = reply.bytes else { return "a result without an image" }
    do {
      let image = try SampleImage.document(bytes)
      _ = try image.pixels(fitting: 320)
      let (before, after) = (size.turned(by: orientation), image.uprightSize)
      // A portrait that comes back in landscape; cropping hardly does that.
      guard before.width > before.height || after.width * 10 < after.height * 13 else {
        return
          "the upright picture came back lying on its side: keep the EXIF tag or turn the pixels"
      }
      return nil
    } catch {
      let reason = (error as? StageFailure)?.detail ?? "\(error)"
      return "the image that came back is refused: \(reason)"
    }
  }
}
