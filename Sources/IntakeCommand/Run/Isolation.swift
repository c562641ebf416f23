import IntakeCore
import IntakeImaging

/// `--isolation`: whether scans are decoded in processes that own nothing.
enum Isolation: String, CaseIterable {
  case auto, required, off

  static let option = OptionSpec(
    "isolation", choices: allCases.map(\.rawValue), default: auto.rawValue,
    help:
      "decode scans in processes that own nothing; auto: wherever the system can, with a warning where it "
      + "can't; required: else exit code 2")

  /// What keeps the processes from everything else, for `--version` and the summary.
  static let inForce = "seccomp"

  /// Starts the processes to decode in; nil for decoding in this one.
  static func start(_ arguments: Arguments, width: Int, console: Console) throws(CommandError)
    -> DecoderPool?
  {
    switch arguments["isolation"].flatMap(Isolation.init) ?? .auto {
    case .off: return nil
    case .required:
      guard DecoderPool.isAvailable else { throw cannot("the system has no seccomp filters") }
      let pool = DecoderPool(width: width)
      do throws(DecodersUnavailable) {
        try pool.becomeReady()
      } catch {
        throw cannot(error.reason)
      }
      return pool
    case .auto:
      let warn = { @Sendable (reason: String) in
        console.log(.warning, "scans are decoded in this process: \(reason)")
      }
      guard DecoderPool.isAvailable else {
        warn("the system has no seccomp filters")
        return nil
      }
      return DecoderPool(width: width) { warn($0.reason) }
    }
  }

  private static func cannot(_ reason: String) -> CommandError {
    CommandError(
      .usage, "--isolation required: \(reason)",
      hint: "run on Linux (x86-64 or arm64) with seccomp, or give --isolation off")
  }
}
