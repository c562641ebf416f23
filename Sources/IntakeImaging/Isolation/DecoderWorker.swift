import IntakeCore
import IntakeSystem

/// The other end of `DecoderProcess`: this program once more, started with an argument that help does not list.
public enum DecoderWorker {
  private static let name = "decoder-process"

  /// The arguments that start one.
  static var arguments: [String] { [name, String(ProcessSetup.number)] }

  /// Nothing but what the sanitisers of a test build are told by; a crash report of Swift would show memory.
  static var environment: [String] { ["SWIFT_BACKTRACE=enable=no"] }

  /// What it says once its rights are gone.
  static let greeting = DecoderFrame(numbers: [1], blocks: [])

  /// The process that started this one to decode; nil when it was started for anything else.
  public static func parent(of arguments: [String]) -> Int32? {
    arguments.count == 3 && arguments[1] == name ? Int32(arguments[2]) : nil
  }

  /// Gives up every right, and decodes what comes over descriptor 0 until it is closed.
  public static func run(for parent: Int32) -> Never { run(for: parent) { _ in } }

  /// The same, with a look at each file before it is decoded: where tests plant faults.
  package static func run(for parent: Int32, looking: ([UInt8]) -> Void) -> Never {
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

  /// Whatever the libraries read from the system when they are used first (processor features, random seeds).
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

  /// From the parent, who is trusted: a file is as large as `decode.max-bytes` lets it be.
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
