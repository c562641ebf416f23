/// How a stored picture has to be turned to stand upright (EXIF 2.3, tag 0x0112).
public enum Orientation: Int, Sendable, Hashable, CaseIterable {
  /// 1: it stands upright as stored.
  case upright = 1
  /// 2: left and right change places.
  case mirrored
  /// 3: half a turn.
  case upsideDown
  /// 4: top and bottom change places.
  case flipped
  /// 5: mirrored along the diagonal from the top left.
  case transposed
  /// 6: a quarter turn clockwise; how telephones store portraits.
  case turnRight
  /// 7: mirrored along the other diagonal.
  case transversed
  /// 8: a quarter turn anticlockwise.
  case turnLeft

  /// Whether width and height change places.
  public var swapsSides: Bool { rawValue >= 5 }
}

/// Width and height in pixels.
public struct PixelSize: Sendable, Hashable {
  /// Pixels from left to right.
  public let width: Int
  /// Pixels from top to bottom.
  public let height: Int

  /// Makes a size.
  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// The longer of the two.
  public var longerSide: Int { max(width, height) }

  /// The size after turning.
  public func turned(by orientation: Orientation) -> PixelSize {
    orientation.swapsSides ? PixelSize(width: height, height: width) : self
  }
}
