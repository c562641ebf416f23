public import IntakeCore

/// Hands items to a program in any language, kept alive and spoken to over its standard input and output.
///
/// The option `accepts` says what it works on: scans, images ready to send, or requests.
public enum External: StageFamily {
  static let program = StageOption.list(
    "program", isPath: true,
    help:
      "path and arguments; the path holds a \"/\" and is relative to the plan's folder; required")
  static let accepts = StageOption.choice(
    "accepts", of: ItemName.allCases.map(\.rawValue), default: ItemName.image.rawValue,
    help: "what the program works on")
  static let timeout = StageOption.number(
    "timeout", in: 0.1...3_600, default: 30, unit: "seconds", help: "for one item, answer included")
  static let startTimeout = StageOption.number(
    "start-timeout", in: 0.1...600, default: 10, unit: "seconds",
    help: "from the start of the program to its \"ready\"")
  static let options = StageOption.table(
    "options", help: "handed to the program when it starts; no secrets")
  static let processes = StageOption.optionalInteger(
    "processes", in: 1...256, unit: "processes",
    help: "how many run side by side at most; default: one a processor")
  static let maxBytes = StageOption.integer(
    "max-bytes", in: 1_024...1_073_741_824, default: 64 << 20, unit: "bytes",
    help: "the most that one answer may bring")
  static let digest = StageOption.text(
    "sha256", help: "SHA-256 of the program's file in hexadecimal; any other file is refused")

  /// Name, summary and options.
  public static let descriptor = StageDescriptor(
    name: "external", summary: "hand each item to a program of your own (protocol 1)",
    options: [
      program.descriptor, accepts.descriptor, timeout.descriptor, startTimeout.descriptor,
      options.descriptor, processes.descriptor, maxBytes.descriptor, digest.descriptor,
    ],
    example: #"{"stage":"external","program":["./blur.py"],"accepts":"image","timeout":10}"#)

  /// One stage for each thing that `accepts` names.
  public static let members: [any Stage.Type] = [
    ExternalStage<ImageItem>.self, ExternalStage<PreparedItem>.self,
    ExternalStage<SubmissionItem>.self,
  ]

  /// The stage for what `accepts` names.
  public static func member(for options: StageOptions) -> any Stage.Type {
    switch ItemName(rawValue: options[accepts]) {
    case .prepared: return ExternalStage<PreparedItem>.self
    case .submission: return ExternalStage<SubmissionItem>.self
    case .image, nil: return ExternalStage<ImageItem>.self
    }
  }
}

/// What a program may work on, as plans and programs name it.
enum ItemName: String, CaseIterable {
  case image, prepared, submission
}
