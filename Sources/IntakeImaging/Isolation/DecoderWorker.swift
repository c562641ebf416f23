import IntakeCore
import IntakeSystem

/// The other end of `DecoderProcess`: this program, started with an argument that help doesn't list.
public enum DecoderWorker {
  private static let name = "decoder-process"

  /// The arguments that start one.
  static var arguments: [String] { [name, String(ProcessSetup.number)] }

  /// Turns Swift's crash reports off, because they show memory.
  static var environment: [String] { ["SWIFT_BACKTRACE=enable=no"] }

  /// Its first message, once its rights are gone.
  static let greeting = DecoderFrame(numbers: [1], blocks: [])

  /// The process that started this one to decode; nil if it was started for anything else.
  public static func parent(of arguments: [String]) -> Int32? {
    arguments.count == 3 && arguments[1] == name ? Int32(arguments[2]) : nil
  }

  /// Gives up every right, and decodes what comes over descriptor 0 until it is closed.
  ///
  /// - Parameter looking: sees each file before it is decoded, which is where tests plant faults.
  public static func run(for parent: Int32, looking: ([UInt8]) -> Void = { _ in }) -> Never {
    ProcessSetup.harden()
    ProcessSetup.ignoreStops()
    ProcessSetup.keepMemory()
    warmUp()
    do throws(SystemCallFailure) {
      try Confinement.enter(parent: parent)
    } catch {
      ProcessSetup.exit(with: 1)
    }
    guard send(greeting) else { ProcessSetup.exit(with: 0) }
    while let frame = receive() {
      if let bytes = frame.blocks.first { looking(bytes) }
      guard send(answer(to: frame)) else { break }
    }
    ProcessSetup.exit(with: 0)
  }

  /// Has the libraries do what they do at first use: read processor features and random seeds.
  private static func warmUp() {
    let plane = Plane(width: 16, height: 16, samples: [UInt8](repeating: 128, count: 256))
    let bytes = (try? Bitmap(luma: plane).jpeg(quality: 50)) ?? []
    _ = try? JPEGDecoding.verify(bytes, limits: ImageLimits())
    _ = Set([ImageFormat.jpeg])
  }

  private static func answer(to frame: DecoderFrame) -> DecoderFrame {
    do throws(StageFailure) {
      guard let job = try ScanJob(frame) else { return DecoderFrame() }
      return DecoderAnswer.frame(try job.run())
    } catch {
      return DecoderAnswer.frame(error)
    }
  }

  private struct Closed: Error {}

  /// The parent is trusted; `decode.max-bytes` bounds the file.
  private static func receive() -> DecoderFrame? {
    try? DecoderFrame.read(DecoderFrame.Bounds(numbers: 64, blocks: 1, blockBytes: 1 << 30)) {
      (room) throws(Closed) in
      guard Confinement.receive(into: room) else { throw Closed() }
    }
  }

  private static func send(_ frame: DecoderFrame) -> Bool {
    do throws(Closed) {
      try frame.write { (bytes) throws(Closed) in
        guard Confinement.send(bytes) else { throw Closed() }
      }
      return true
    } catch {
      return false
    }
  }
}
