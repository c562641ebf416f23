extension PipelinePlan {
  /// Makes relative paths start at the folder of the plan instead of the current one.
  ///
  /// A program is meant where it is named with a "/"; without one it stays as it is, and is refused by its stage.
  public mutating func resolvePaths(in folder: String, for registry: StageRegistry) {
    for index in stages.indices {
      let options = registry[stages[index].name]?.descriptor.options ?? []
      for name in options.filter(\.isPath).map(\.name) {
        stages[index].options[name] = stages[index].options[name]?.starting(at: folder)
      }
    }
  }
}

extension OptionValue {
  fileprivate func starting(at folder: String) -> OptionValue {
    switch self {
    case .text(let path) where !path.isEmpty && !path.hasPrefix("/"):
      return .text("\(folder)/\(path)")
    case .list(let words):
      guard let path = words.first, path.contains("/"), !path.hasPrefix("/") else { return self }
      return .list(["\(folder)/\(path)"] + words.dropFirst())
    default: return self
    }
  }
}
