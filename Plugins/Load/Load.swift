public import IntakeCore
import IntakeSystem

/// Reads the manifest: CSV or JSON Lines, from a file, a folder or standard input.
public struct Load: Loader {
  static let manifest = StageOption<String?>.text(
    "manifest", help: "path of the manifest, - for standard input, or a folder with manifest.csv")
  static let format = StageOption<String>.choice(
    "format", of: ["auto", "csv", "jsonl"], default: "auto",
    help: "what the manifest is; auto looks at its first byte")
  static let imagesRoot = StageOption<String?>.text(
    "images-root", help: "folder that image paths are relative to and stay in (default: manifest's)"
  )
  static let map = StageOption<[String: String]>.table(
    "map", help: "columns by the names that the header has for them")
  static let ignoreColumns = StageOption<[String]>.list(
    "ignore-columns", help: "header names to drop")
  static let delimiter = StageOption<String>.choice(
    "delimiter", of: ["auto"] + Delimiter.allCases.map(\.rawValue), default: "auto",
    help: "what separates cells; auto tells it from the header")
  static let maxRowBytes = StageOption<Int>.integer(
    "max-row-bytes", in: 1_024...16_777_216, default: 1_048_576, unit: "bytes",
    help: "longest row that is read; longer ones are refused")
  static let duplicates = StageOption<String>.choice(
    "duplicates", of: ["refuse", "allow"], default: "refuse",
    help:
      "what to do with rows that repeat an earlier row, id or e-mail; refusing takes 40 bytes a row"
  )

  /// Name, summary and options.
  public static let descriptor = StageDescriptor(
    name: "load", summary: "read the rows of a CSV or JSON Lines manifest",
    options: [
      manifest.descriptor, format.descriptor, imagesRoot.descriptor, map.descriptor,
      ignoreColumns.descriptor, delimiter.descriptor, maxRowBytes.descriptor,
      duplicates.descriptor,
    ],
    example: #"{"stage":"load","manifest":"customers.csv","map":{"Birth Date":"dob"}}"#)

  let options: StageOptions
  private let names: ColumnNames

  /// Takes options that have been checked against the descriptor.
  public init(options: StageOptions) throws(OptionError) {
    self.options = options
    var renamed: [String: ColumnName] = [:]
    for (name, column) in options[Load.map] {
      guard let known = ColumnName(column) else { throw Load.unknown(column, for: name) }
      renamed[name] = known
    }
    names = ColumnNames(renamed: renamed, ignored: options[Load.ignoreColumns])
  }

  private static func unknown(_ column: String, for name: String) -> OptionError {
    let known = Column.allCases.map(\.rawValue)
    return OptionError(
      option: map.descriptor.name,
      "option \"map\" of stage \"load\" gives \"\(Sanitizer.clean(name, limit: 60))\" the column "
        + "\"\(Sanitizer.clean(column, limit: 60))\", which does not exist"
        + NearestName.suggestion(for: column, among: known)
        + " (known: \(known.joined(separator: ", ")))")
  }

  /// Opens the manifest and reads its header.
  public func rows() async throws -> any RowSource {
    guard let path = options[Load.manifest], !path.isEmpty else {
      throw unusable("no manifest is named", hint: "give its path, or - for standard input")
    }
    let manifest = try Manifest(path)
    do {
      let rows = try open(manifest)
      return options[Load.duplicates] == "refuse" ? WithoutDuplicates(rows) : rows
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
    let limit = options[Load.maxRowBytes]
    if isJSON {
      let reader = try JSONLinesReader(window, names: names, limit: limit)
      return ManifestRows(reader, builder: builder, notices: notices)
    }
    let delimiter = Delimiter(rawValue: options[Load.delimiter])
    let reader = try CSVReader(window, delimiter: delimiter, names: names, limit: limit)
    return ManifestRows(reader, builder: builder, notices: notices)
  }

  private func root(of manifest: Manifest) throws(StageFailure) -> Folder {
    let path = options[Load.imagesRoot] ?? manifest.folder
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
