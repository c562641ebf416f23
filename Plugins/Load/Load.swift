public import IntakeCore
import IntakeSystem

/// Reads the manifest: CSV or JSON Lines, from a file, a folder or standard input.
public struct Load: Loader {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option("path of the manifest, - for standard input, or a folder with manifest.csv")
    var manifest: String? = nil
    @Option("what the manifest is; auto looks at its first byte") var format = Format.auto
    @Option("folder that image paths are relative to and stay in (default: manifest's)")
    var imagesRoot: String? = nil
    @Option("columns by the names that the header has for them") var map: [String: String] = [:]
    @Option("header names to drop") var ignoreColumns: [String] = []
    @Option("what separates cells; auto tells it from the header") var delimiter = Delimiter.auto
    @Option(
      "longest row that is read; longer ones are refused", in: 1_024...16_777_216, unit: "bytes")
    var maxRowBytes = 1_048_576
    @Option(
      "what to do with rows that repeat an earlier row, id or e-mail; refusing takes 40 bytes a row"
    )
    var duplicates = Duplicates.refuse

    /// Every option with its default.
    public init() {}
  }

  enum Format: String, CaseIterable { case auto, csv, jsonl }
  enum Duplicates: String, CaseIterable { case refuse, allow }

  /// `load`.
  public static let name = "load"
  /// What it does.
  public static let summary = "read the rows of a CSV or JSON Lines manifest"
  /// An entry that works.
  public static let example =
    #"{"stage":"load","manifest":"customers.csv","map":{"Birth Date":"dob"}}"#

  private let options: Options
  private let names: ColumnNames

  /// Checks that renamed columns exist.
  public init(options: Options) throws(OptionError) {
    self.options = options
    let renamed = try options.map.map { name, column throws(OptionError) in
      guard let known = ColumnName(column) else { throw Load.unknown(column, for: name) }
      return (name, known)
    }
    names = ColumnNames(
      renamed: Dictionary(renamed) { first, _ in first }, ignored: Set(options.ignoreColumns))
  }

  private static func unknown(_ column: String, for name: String) -> OptionError {
    let known = Column.allCases.map(\.rawValue)
    return OptionError(
      option: "map",
      "option \"map\" of stage \"load\" gives \"\(Sanitizer.clean(name, limit: 60))\" the column "
        + "\"\(Sanitizer.clean(column, limit: 60))\", which does not exist"
        + NearestName.suggestion(for: column, among: known)
        + " (known: \(known.joined(separator: ", ")))")
  }

  /// Opens the manifest and reads its header.
  public func run(_ input: consuming Void, in context: StageContext) async throws
    -> any RowSource
  {
    guard let path = options.manifest, !path.isEmpty else {
      throw unusable("no manifest is named", hint: "give its path, or - for standard input")
    }
    let manifest = try Manifest(path)
    do {
      let rows = try open(manifest)
      return options.duplicates == .refuse ? WithoutDuplicates(rows) : rows
    } catch let failure as FileFailure {
      throw StageFailure(
        .fileUnreadable, "the manifest: \(failure)", outcome: .fatal, file: manifest.path)
    }
  }

  private func open(_ manifest: Manifest) throws -> any RowSource {
    var window = ByteWindow(manifest.source)
    let content = try recognise(&window, path: manifest.path)
    let builder = RowBuilder(root: try root(of: manifest), rule: CellRule())
    let limit = options.maxRowBytes
    let notices = options.format == .auto ? Load.surprise(content, path: manifest.path) : []
    if options.format == .jsonl || (options.format == .auto && content == .jsonLines) {
      let reader = try JSONLinesReader(window, names: names, limit: limit)
      return ManifestRows(reader, builder: builder, notices: notices)
    }
    let reader = try CSVReader(window, delimiter: options.delimiter, names: names, limit: limit)
    return ManifestRows(reader, builder: builder, notices: notices)
  }

  /// Takes the byte order mark off and looks at what follows.
  private func recognise(_ window: inout ByteWindow, path: String?) throws -> ManifestContent {
    while window.count < 64, try window.grow() {}
    if window.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { window.skip(3) }
    let content = ManifestContent(window.bytes[window.start...])
    switch content {
    case .other(let kind, let hint):
      throw unusable("the manifest is \(kind), neither CSV nor JSON Lines", hint: hint, file: path)
    case .empty where options.format != .jsonl:
      throw unusable(
        "the manifest is empty", hint: "a CSV manifest starts with a line that names its columns",
        file: path)
    default: return content
    }
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

  private func root(of manifest: Manifest) throws(StageFailure) -> Folder {
    let path = options.imagesRoot ?? manifest.folder
    do throws(FileFailure) {
      return try Folder(path)
    } catch {
      let detail = error == .notFound ? "there is no such folder" : "\(error)"
      throw StageFailure(
        .fileNotFound, "the images root: \(detail)",
        hint: "give --images-root an existing folder", outcome: .fatal, file: path)
    }
  }
}
