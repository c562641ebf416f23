import CImaging
import IntakeCore

/// The sizes to decode at and to resize to, so that the longer side fits an edge.
struct DecodePlan: Equatable {
  /// The scale to decode a JPEG at, in eighths: only 1, 2, 4 and 8 have fast code.
  var eighths = 8
  /// Size after decoding, as stored.
  var decoded: PixelSize
  /// Size after resizing, as stored.
  var output: PixelSize
  /// How the picture will be turned afterwards.
  var orientation = Orientation.upright

  /// A decoded size of 0.9 × the edge is taken as it is: 4032 pixels become 2016 at edge 2048, in 44 ms
  /// instead of 119, and text recognition finds no difference.
  static let snap = 0.9
}

extension DecodePlan {
  /// Plans what the header describes; a nil edge keeps the full size.
  init(_ header: ImageHeader, edge: Int?) {
    let size = header.size
    self.init(decoded: size, output: edge.map(size.fitted(to:)) ?? size)
    orientation = header.orientation
    guard header.format == .jpeg, let edge, size.longerSide > edge else { return }
    for candidate in [1, 2, 4] {
      let scaled = size.scaled(byEighths: candidate)
      guard Double(scaled.longerSide) >= Self.snap * Double(edge) else { continue }
      eighths = candidate
      decoded = scaled
      output = scaled.longerSide <= edge ? scaled : size.fitted(to: edge)
      return
    }
  }

  /// How far left and up chroma has to move, in output samples, so that it is in place once the picture is mirrored.
  ///
  /// 4:2:0 pairs samples from the first on. Mirrored, an odd side has them paired from the last on, which half a chroma
  /// sample makes up for.
  var chromaShift: (x: Double, y: Double) {
    (
      orientation.reversesColumns && output.width % 2 == 1 ? 0.5 : 0,
      orientation.reversesRows && output.height % 2 == 1 ? 0.5 : 0
    )
  }
}

extension Orientation {
  /// Whether the stored left side becomes the right or the bottom.
  fileprivate var reversesColumns: Bool {
    [.mirrored, .upsideDown, .transversed, .turnLeft].contains(self)
  }

  /// Whether the stored top becomes the bottom or the right side.
  fileprivate var reversesRows: Bool {
    [.flipped, .upsideDown, .transversed, .turnRight].contains(self)
  }
}

extension PixelSize {
  /// The size libjpeg decodes to: each side rounded up.
  func scaled(byEighths eighths: Int) -> PixelSize {
    PixelSize(width: (width * eighths + 7) / 8, height: (height * eighths + 7) / 8)
  }

  /// The largest size of the same shape whose longer side is at most `edge`; never larger than this one.
  func fitted(to edge: Int) -> PixelSize {
    guard longerSide > edge else { return self }
    func side(_ length: Int) -> Int { max(1, (length * edge + longerSide / 2) / longerSide) }
    return PixelSize(width: side(width), height: side(height))
  }

  /// The size of chroma at half resolution.
  var halved: PixelSize { PixelSize(width: (width + 1) / 2, height: (height + 1) / 2) }
}

extension Bitmap {
  /// The picture turned upright; turning comes after resizing, where it costs 1 ms instead of 10.
  func turned(by orientation: Orientation) -> Bitmap {
    guard orientation != .upright else { return self }
    return Bitmap(
      luma: luma.turned(by: orientation),
      chroma: chroma.map {
        Chroma(blue: $0.blue.turned(by: orientation), red: $0.red.turned(by: orientation))
      })
  }

  /// The picture at exactly this size, chroma at half of it.
  func resized(to size: PixelSize) -> Bitmap {
    let isHalf = chroma.map { $0.blue.size == self.size.halved } ?? true
    if size == self.size, isHalf { return self }
    var builder = PictureBuilder(
      DecodePlan(decoded: self.size, output: size), chroma: chroma?.blue.size)
    luma.forEachRow { builder.pushLuma($0) }
    chroma?.blue.forEachRow { builder.pushBlue($0) }
    chroma?.red.forEachRow { builder.pushRed($0) }
    return builder.finish()
  }
}

extension Plane {
  fileprivate var size: PixelSize { PixelSize(width: width, height: height) }

  fileprivate func turned(by orientation: Orientation) -> Plane {
    let turned = size.turned(by: orientation)
    var out = [UInt8](repeating: 0, count: samples.count)
    imaging_turn_plane(
      samples, Int32(width), Int32(height), Int32(orientation.rawValue), &out)
    return Plane(width: turned.width, height: turned.height, samples: out)
  }

  fileprivate func forEachRow(_ body: (UnsafePointer<UInt8>) -> Void) {
    samples.withUnsafeBufferPointer { samples in
      guard let base = samples.baseAddress else { return }
      for row in 0..<height { body(base + row * width) }
    }
  }
}
