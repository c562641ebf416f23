import IntakeCore

/// What a shell offers for a word of the command line.
enum Completion: Sendable, Equatable {
  /// Nothing that could be known.
  case nothing
  /// Files and folders.
  case files
  /// A few words.
  case words([String])
  /// A few words, or a file.
  case wordsOrFiles([String])
  /// The names of stages.
  case stages
  /// `STAGE.OPTION=`, for the value to be typed.
  case stageOptions

  /// The words that are known when the script is made; stages of third parties are among them.
  func words(_ registry: StageRegistry) -> [String] {
    switch self {
    case .nothing, .files: return []
    case .words(let words), .wordsOrFiles(let words): return words
    case .stages: return registry.names
    case .stageOptions:
      return registry.entries.flatMap { entry in
        entry.descriptor.options.map { "\(entry.descriptor.name).\($0.name)=" }
      }
    }
  }
}
