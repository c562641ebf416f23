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
    @Option("what separates cells; auto tells it from the header")
    var delimiter = DelimiterChoice.auto
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
  enum DelimiterChoice: String, CaseIterable { case auto, comma, semicolon, tab }
  enum Duplicates: String, CaseIterable { case refuse, allow }

  /// `load`.
  public static let name = "load"
  /// What it does.
  public static let summary = "read the rows of a CSV or JSON Lines manifest"
  /// An entry that works.
  public static let example =
    #"{"stage":"load","manifest":"customers.csv","map":{"Birth Date":"dob"}}"#

  let options: Options
  private let names: ColumnNames

  /// Checks that renamed columns exist.
  public init(options: Options) throws(OptionError) {
    self.options = options
    var renamed: [String: ColumnName] = [:]
    for (name, column) in options.map {
      guard let known = ColumnName(column) else { throw Load.unknown(column, for: name) }
      renamed[name] = known
    }
    names = ColumnNames(renamed: renamed, ignored: options.ignoreColumns)
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
    let (isJSON, notices) = try recognise(&window, path: manifest.path)
    let builder = RowBuilder(
      root: try root(of: manifest), rule: CellRule(latestBirth: CalendarDate.latestToday()))
    let limit = options.maxRowBytes
    if isJSON {
      let reader = try JSONLinesReader(window, names: names, limit: limit)
      return ManifestRows(reader, builder: builder, notices: notices)
    }
    let delimiter = Delimiter(rawValue: options.delimiter.rawValue)
    let reader = try CSVReader(window, delimiter: delimiter, names: names, limit: limit)
    return ManifestRows(reader, builder: builder, notices: notices)
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
