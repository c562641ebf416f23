import IntakeCore

extension ImageLimits {
  /// Refuses a size that is too large or too small.
  func check(_ size: PixelSize) throws(StageFailure) {
    let words = "\(size.width) × \(size.height) pixels"
    guard size.longerSide <= maximumSide else {
      throw StageFailure(
        .imageTooLarge, "the picture has \(words); a side may have \(maximumSide)")
    }
    guard size.width * size.height <= maximumPixels else {
      throw StageFailure(
        .imageTooLarge, "the picture has \(words); \(maximumPixels) are allowed in all")
    }
    guard min(size.width, size.height) >= minimumSide else {
      throw StageFailure(
        .imageTooSmall, "the picture has \(words); each side needs at least \(minimumSide)")
    }
  }

  /// Refuses a PNG that unpacks to more than is allowed; who raises the pixels gets the bytes of RGBA with them.
  func checkUnpacked(_ size: PixelSize, bitsPerPixel: Int) throws(StageFailure) {
    let bytes = size.width * size.height * bitsPerPixel / 8
    let limit = max(maximumUnpackedBytes, 4 * maximumPixels)
    guard bytes > limit else { return }
    throw StageFailure(
      .imageTooLarge, "the PNG unpacks to \(bytes) bytes; \(limit) are allowed",
      hint: "save it with 8 bits per component, or raise decode.max-pixels")
  }

  /// Refuses a JPEG of several scans whose coefficients would not fit into the memory set aside for them.
  func checkMemory(of frame: JPEGStructure.Frame) throws(StageFailure) {
    guard frame.decoderBytes > maximumDecoderMemory else { return }
    throw StageFailure(
      .imageTooLarge,
      "the JPEG of several scans needs \(frame.decoderBytes) bytes to decode; "
        + "\(maximumDecoderMemory) are allowed")
  }
}
