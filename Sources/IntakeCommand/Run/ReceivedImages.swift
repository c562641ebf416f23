import IntakeCore
import IntakeSystem

/// Images as an answer holds them: base64, with or without a data URI's prefix.
struct ReceivedImages: Sendable {
  private let documents: JSONValue

  init(_ documents: JSONValue) { self.documents = documents }

  /// Writes `front.jpg`, `back.png` and so on (0600), and returns what was written.
  func write(to folder: String) throws(CommandError) -> JSONOutput {
    var written: [(String, JSONOutput)] = []
    for side in Side.allCases {
      guard let text = documents[side.rawValue]?.string, !text.isEmpty else { continue }
      guard let bytes = Base64Text.decode(text), let format = ImageFormat(recognizing: bytes) else {
        throw CommandError(
          .notAccepted, "the \(side.rawValue) in the answer is no JPEG or PNG in base64")
      }
      let path = "\(folder)/\(side.rawValue).\(format == .jpeg ? "jpg" : "png")"
      try save(bytes, as: path)
      written.append(
        (
          side.rawValue,
          .object([
            ("file", .string(path)), ("format", .string(format.rawValue)),
            ("bytes", .integer(bytes.count)),
          ])
        ))
    }
    return .object(written)
  }

  private func save(_ bytes: [UInt8], as path: String) throws(CommandError) {
    do throws(SystemCallFailure) {
      try DurableFile.makeFolder(DurableFile.folder(of: path))
      try DurableFile.create(path, bytes)
    } catch {
      throw CommandError(
        .usage, "\(Sanitizer.clean(path)) cannot be written: \(error)",
        hint: "give --output with a folder that holds no images yet")
    }
  }
}
