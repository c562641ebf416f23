/// A piece of a body.
public enum BodySegment: Sendable {
  /// Bytes as they are sent.
  case bytes([UInt8])
  /// An image as it is sent; kept apart so that a dry run can say what stands there.
  case image(EncodedImage)
  /// An image's own bytes, for targets that take them as a body.
  case scan(PreparedImage)
  /// The place of a secret, inside a JSON string; its name in the credentials file.
  case secret(String)

  /// The bytes to send; a secret that is missing leaves its place empty.
  public func bytes(with credentials: Credentials?) -> [UInt8] {
    switch self {
    case .bytes(let bytes): return bytes
    case .image(let image): return image.base64
    case .scan(let image): return image.bytes
    case .secret(let name):
      guard let secret = credentials?[name] else { return [] }
      return JSONText.escaped(secret.exposed)
    }
  }
}

/// Writes a JSON body piece by piece: secrets and images stay segments of their own.
public struct BodyWriter: Sendable {
  private var finished: [BodySegment] = []
  private var text: [UInt8] = []

  /// Starts with an empty body.
  public init() {}

  /// What has been written.
  public var segments: [BodySegment] { text.isEmpty ? finished : finished + [.bytes(text)] }

  /// Adds a piece of JSON as it is.
  public mutating func write(_ json: String) { text += json.utf8 }

  /// Adds a text inside of a JSON string.
  public mutating func write(escaping inside: String) { text += JSONText.escaped(inside.utf8) }

  /// Adds a secret or an image.
  public mutating func write(_ segment: BodySegment) {
    finished = segments + [segment]
    text = []
  }
}

extension Assembler {
  /// Bytes before base64 that a limit leaves for all images of a row together, each written `uses` times.
  ///
  /// `body` is the request without images. 512 bytes are kept free for the credentials.
  public func imageBudget(
    of limit: Int, beside body: [BodySegment], images: Int, uses: Int = 1
  ) -> Int {
    let envelope = body.reduce(512) { $0 + $1.bytes(with: nil).count }
    // Base64 takes 4 bytes for 3, and each image is padded once.
    return max(0, EncodedImage.decodedCapacity(of: (limit - envelope) / uses) - 3 * images)
  }
}
