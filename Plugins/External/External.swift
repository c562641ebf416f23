public import IntakeCore

/// Hands items to a program in any language, kept alive and spoken to over its standard input and output.
///
/// The option `accepts` says what it works on: scans, images ready to send, or requests.
public enum External: StageFamily {
  /// One stage for each thing that `accepts` names.
  public static let members: [any Stage.Type] = [
    ExternalStage<ImageItem>.self, ExternalStage<PreparedItem>.self,
    ExternalStage<SubmissionItem>.self,
  ]

  /// The stage for what `accepts` names.
  public static func member(for options: ExternalOptions) -> any Stage.Type {
    switch options.accepts {
    case .image: return ExternalStage<ImageItem>.self
    case .prepared: return ExternalStage<PreparedItem>.self
    case .submission: return ExternalStage<SubmissionItem>.self
    }
  }
}
