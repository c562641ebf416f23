import CImaging
import IntakeCore

/// Collects decoded rows and makes the finished picture of them: resized, 4:2:0 or gray.
struct PictureBuilder: ~Copyable {
  private var luma: PlaneResampler
  private var blue: ChromaLane?
  private var red: ChromaLane?

  /// Plans a picture; `chroma` is the size in which the chroma planes come, nil for gray.
  init(_ plan: DecodePlan, chroma: PixelSize?) {
    let from = plan.decoded
    let to = plan.output
    luma = PlaneResampler(
      ResamplingPlan(
        from: from, to: to, ratioX: Double(from.width) / Double(to.width),
        ratioY: Double(from.height) / Double(to.height)))
    let chroma = chroma.map { ChromaPlan(size: $0, plan) }
    blue = chroma.map { ChromaLane($0) }
    red = chroma.map { ChromaLane($0) }
  }

  mutating func pushLuma(_ row: UnsafePointer<UInt8>) { luma.push(row) }
  mutating func pushBlue(_ row: UnsafePointer<UInt8>) { blue?.push(row) }
  mutating func pushRed(_ row: UnsafePointer<UInt8>) { red?.push(row) }

  /// The picture as stored, before turning.
  consuming func finish() -> Bitmap {
    let luma = luma.finish()
    guard let blue = blue.take(), let red = red.take() else { return Bitmap(luma: luma) }
    return Bitmap(luma: luma, chroma: Bitmap.Chroma(blue: blue.finish(), red: red.finish()))
  }
}
