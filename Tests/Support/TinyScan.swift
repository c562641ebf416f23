import IntakeCore

/// The smallest scan that the pipeline takes without a word: 48 × 32 gray pixels, a JPEG of 298 bytes.
package enum TinyScan {
  /// The file.
  package static let bytes = Base64Text.decode(text) ?? []

  /// What its base64 begins with after the bytes that all JPEG files share; a canary.
  package static let canary = String(text.dropFirst(120).prefix(40))

  /// A scan that makes the decoder of `hostile-docintake` commit a fault; it lies on its side, so it has to be decoded.
  package static func planted(_ fault: String) -> [UInt8] {
    let orientation: [UInt8] = [1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0]
    let turned = Array("Exif\0\0MM\0*".utf8) + [0, 0, 0, 8, 0, 1] + orientation + [0, 0, 0, 0]
    let comment = Array("planted fault: \(fault).".utf8)
    return [0xFF, 0xD8] + segment(0xE1, turned) + segment(0xFE, comment) + bytes.dropFirst(2)
  }

  private static func segment(_ marker: UInt8, _ content: [UInt8]) -> [UInt8] {
    [0xFF, marker, 0, UInt8(content.count + 2)] + content
  }

  private static let text = [
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQ",
    "c1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/wAALCAAgADABAREA/8QAFwABAQEBAAAAAAAAAAAAAAAABAUGA//EACIQ",
    "AAIDAQABAwUAAAAAAAAAAAIDAAERBGEGIXESMlHB8P/aAAgBAQAAPwCCoIxQRigjFBGKCKChAbM7oRGtu7vKqpjF",
    "BGKCMUEYoIxQSZ6l77QgeJf3uHTvbq6Hf37/ANclKCLUEYoIxQTs96+PmPodv0BW3lbd/ipimNZ1dDHtvTYW348f",
    "EpqCMUEWoIxQTO+pe639Nca7q1JvSzPc/nxufOyaoJ//2Q==",
  ].joined()
}
