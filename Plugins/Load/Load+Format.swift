import IntakeCore

extension Load {
  /// Takes the byte order mark off and says whether JSON Lines follow, and what is to be told about that.
  func recognise(_ window: inout ByteWindow, path: String?) throws -> (Bool, [String]) {
    let format = options.format
    while window.count < 64, try window.grow() {}
    if window.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { window.skip(3) }
    let content = ManifestContent(window.bytes[window.start...])
    switch content {
    case .other(let kind, let hint):
      throw unusable("the manifest is \(kind), neither CSV nor JSON Lines", hint: hint, file: path)
    case .empty where format != .jsonl:
      throw unusable(
        "the manifest is empty", hint: "a CSV manifest starts with a line that names its columns",
        file: path)
    default: break
    }
    guard format == .auto else { return (format == .jsonl, []) }
    return (content == .jsonLines, Load.surprise(content, path: path))
  }

  /// A notice when the name of the file says something else than its content.
  private static func surprise(_ content: ManifestContent, path: String?) -> [String] {
    let name = path?.lowercased() ?? ""
    switch content {
    case .jsonLines where name.hasSuffix(".csv"):
      return ["the manifest is called .csv and read as JSON Lines, as its first byte shows"]
    case .csv where name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson"):
      return ["the manifest is called JSON Lines and read as CSV, as its first byte shows"]
    default: return []
    }
  }
}
