import CImaging
import IntakeCore

/// At which size to decode and to which to resize, so that the longer side fits an edge.
struct DecodePlan: Equatable {
  /// Eighths of the stored size that the JPEG decoder is asked for: only 1, 2, 4 and 8 have fast code.
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

  /// Plans a JPEG; nil keeps the full size.
  init(jpeg size: PixelSize, edge: Int?) {
    self.init(exact: size, edge: edge)
    guard let edge, size.longerSide > edge else { return }
    for candidate in [1, 2, 4] {
      let scaled = size.scaled(byEighths: candidate)
      guard Double(scaled.longerSide) >= Self.snap * Double(edge) else { continue }
      eighths = candidate
      decoded = scaled
      output = scaled.longerSide <= edge ? scaled : size.fitted(to: edge)
      return
    }
  }

  /// Plans what the header describes.
  init(_ header: ImageHeader, edge: Int?) {
    self =
      header.format == .jpeg
      ? DecodePlan(jpeg: header.size, edge: edge) : DecodePlan(exact: header.size, edge: edge)
  }

  /// Plans a picture that comes at full size only.
  init(exact size: PixelSize, edge: Int?) {
    decoded = size
    output = edge.map(size.fitted(to:)) ?? size
  }
}

extension DecodePlan {
  /// How far left and up chroma has to be, in output samples, to stand in its place once the picture is mirrored.
  ///
  /// Of an odd side, 4:2:0 pairs the first and second sample; mirrored, it has paired the last two. Half a chroma
  /// sample makes up for it.
  var chromaShift: (x: Double, y: Double) {
    (
      orientation.reversesColumns && output.width % 2 == 1 ? 0.5 : 0,
      orientation.reversesRows && output.height % 2 == 1 ? 0.5 : 0
    )
  }
}

extension Orientation {
  /// Whether what is stored on the left ends on the right or at the bottom.
  fileprivate var reversesColumns: Bool {
    [.mirrored, .upsideDown, .transversed, .turnLeft].contains(self)
  }

  /// Whether what is stored at the top ends at the bottom or on the right.
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
    var plan = DecodePlan(exact: self.size, edge: nil)
    plan.output = size
    var builder = PictureBuilder(plan, chroma: chroma?.blue.size)
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
