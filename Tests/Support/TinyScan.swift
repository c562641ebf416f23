import IntakeCore

/// The smallest scan that the pipeline takes without a word: 48 × 32 gray pixels, a JPEG of 298 bytes.
package enum TinyScan {
  /// The file.
  package static let bytes = Base64Text.decode(text) ?? []

  /// What its base64 begins with after the bytes that all JPEG files share; a canary.
  package static let canary = String(text.dropFirst(120).prefix(40))

  private static let text = [
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQ",
    "c1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/wAALCAAgADABAREA/8QAFwABAQEBAAAAAAAAAAAAAAAABAUGA//EACIQ",
    "AAIDAQABAwUAAAAAAAAAAAIDAAERBGEGIXESMlHB8P/aAAgBAQAAPwCCoIxQRigjFBGKCKChAbM7oRGtu7vKqpjF",
    "BGKCMUEYoIxQSZ6l77QgeJf3uHTvbq6Hf37/ANclKCLUEYoIxQTs96+PmPodv0BW3lbd/ipimNZ1dDHtvTYW348f",
    "EpqCMUEWoIxQTO+pe639Nca7q1JvSzPc/nxufOyaoJ//2Q==",
  ].joined()
}
