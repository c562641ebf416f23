import GateStage
import IntakeCore
import Synchronization

/// A gate, scans for it, and what it says about them.
struct GateWorkshop: Sendable {
  let gate: Gate
  private let log = MessageLog()

  init(_ options: [String: OptionValue] = [:]) throws {
    gate = try Gate(given: options)
  }

  var messages: [String] { log.lines.withLock { $0 } }

  func context(line: Int, _ side: Side) -> StageContext {
    StageContext(row: RowReference(line: line), side: side) { [log] _, message in
      log.lines.withLock { $0.append(message) }
    }
  }

  func scan(_ picture: Picture, side: Side = .front) -> DocumentImage {
    let size = picture.bitmap?.size ?? PixelSize(width: 1, height: 1)
    return DocumentImage(
      side: side, file: "scan.png",
      header: ImageHeader(format: .png, size: size, components: 1, bitDepth: 8),
      bytes: [1, 2, 3], codec: picture)
  }

  /// What the gate refuses the picture for, nil when it lets it through.
  func refusal(_ picture: Picture, line: Int = 2, _ side: Side = .front) -> StageFailure? {
    do {
      _ = try gate.run(scan(picture, side: side), in: context(line: line, side))
      return nil
    } catch {
      return error as? StageFailure
    }
  }

  private final class MessageLog: Sendable {
    let lines = Mutex<[String]>([])
  }
}

/// Pictures of 512 × 384 pixels, drawn by a rule.
enum Picture: PixelSource {
  case print, otherPrint, reprint, oneLine, paper, shadedPaper, night, dusk, fog, smear, broken

  func pixels(of image: DocumentImage, fitting edge: Int?) throws -> Bitmap {
    guard let bitmap else { throw StageFailure(.damagedImage, "cannot be decoded") }
    return bitmap
  }

  func header(of bytes: [UInt8]) throws -> ImageHeader {
    throw StageFailure(.notAnImage, "there is no file behind a drawn picture")
  }

  func memoryNeeded(for image: DocumentImage, fitting edge: Int?) -> Int { 0 }

  var bitmap: Bitmap? {
    guard self != .broken else { return nil }
    let (width, height) = (512, 384)
    var samples: [UInt8] = []
    samples.reserveCapacity(width * height)
    for y in 0..<height {
      for x in 0..<width { samples.append(UInt8(min(255, max(0, level(x, y))))) }
    }
    return Bitmap(luma: Plane(width: width, height: height, samples: samples))
  }

  private func level(_ x: Int, _ y: Int) -> Int {
    switch self {
    case .print, .broken: return Self.page(x, y)
    // The same, a little darker and with grain, as a picture that was saved again.
    case .reprint: return Self.page(x, y) * 96 / 100 + (x &* 7 + y &* 13) % 3
    case .otherPrint: return Self.page(511 - x, 383 - y)
    case .oneLine: return y / 10 == 12 && x < 400 ? Self.page(x, y) - 30 : 248
    case .paper: return 250 - (x &* 31 + y &* 17) % 5
    case .shadedPaper: return 240 - x / 8 - y / 8
    case .night: return Self.page(x, y) / 6
    case .dusk: return Self.page(x, y) / 3
    case .fog: return 200 + Self.page(x, y) / 6
    // Slopes of 20 pixels in the place of edges.
    case .smear: return 60 + 9 * abs((x + y) % 40 - 20)
    }
  }

  /// A photograph on the left, lines of letters on the right.
  private static func page(_ x: Int, _ y: Int) -> Int {
    if x < 180 { return 60 + x / 2 + (x / 16 * 37 + y / 16 * 91) % 120 }
    let isInk = y % 20 < 12 && (x / 3 * 5 + y / 20 * 3) % 7 < 2
    return isInk ? 30 : 235 - x / 20
  }
}
