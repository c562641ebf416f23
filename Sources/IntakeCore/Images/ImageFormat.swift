/// The formats that are read, told by content and never by name; the only list of formats.
public enum ImageFormat: String, Sendable, Hashable, CaseIterable {
  /// JPEG: baseline and progressive, Huffman coded.
  case jpeg
  /// PNG of every colour type.
  case png

  /// The bytes that a file of this format starts with.
  public var signature: [UInt8] {
    switch self {
    case .jpeg: return [0xFF, 0xD8, 0xFF]
    case .png: return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    }
  }

  /// The format whose signature the bytes start with, nil when it is neither.
  public init?(recognizing bytes: some Collection<UInt8>) {
    guard let format = ImageFormat.allCases.first(where: { bytes.starts(with: $0.signature) })
    else { return nil }
    self = format
  }
}
