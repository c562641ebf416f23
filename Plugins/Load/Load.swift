public import IntakeCore
import IntakeSystem

/// Reads the manifest: CSV or JSON, from a file, a folder or standard input.
public struct Load: Loader {
  /// What a plan may set.
  public struct Options: PluginOptions {
    @Option("path of the manifest, - for standard input, or a folder with manifest.csv")
    var manifest: String? = nil
    @Option("format of the manifest; auto: recognised by its first bytes")
    var format = Format.auto
    @Option("folder of the images, which no path may leave; default: the manifest's")
    var imagesRoot: String? = nil
    @Option("name of the front scan where a row has none, such as {id}-front.* or {id}/front.*")
    var front: String? = nil
    @Option("name of the back scan where a row has none, such as {id}-back.* or {id}/back.*")
    var back: String? = nil
    @Option("say which scans beside those of the rows no row names, and how many several rows do")
    var unusedFiles = false
    @Option("read a header under another name, the column's") var map: [String: String] = [:]
    @Option("leave out the column with this header") var ignoreColumns: [String] = []
    @Option(
      "read known headers such as \"First Name\" or PLZ as their columns, and leave others out")
    var mapKnown = false
    @Option("what separates cells; auto: found out from the header") var delimiter = Delimiter.auto
    @Option(
      "encoding of the manifest: auto (recognised by content), utf-8, utf-16, utf-16le, utf-16be, windows-1252, "
        + "windows-1250 or macintosh"
    )
    var encoding = "auto"
    @Option(
      "how dates are written besides YYYY-MM-DD and YYYYMMDD, such as MM/DD/YYYY, DD.MM.YYYY, DD-MMM-YYYY or excel"
    )
    var dateFormat: String? = nil
    @Option("texts that mean an empty cell, such as N/A,NULL,- in any case") var null: [String] = []
    @Option("what to do with values that a spreadsheet or a database has mangled")
    var suspicious = Suspicious.refuse
    @Option(
      "longest row that is read; longer ones are refused", in: 1_024...16_777_216, unit: "bytes")
    var maxRowBytes = 1_048_576
    @Option(
      "what to do with rows that repeat an earlier row, id or e-mail; refusing takes 34 bytes a row"
    )
    var duplicates = Duplicates.refuse

    /// Every option with its default.
    public init() {}
  }

  enum Format: String, CaseIterable { case auto, csv, jsonl }
  enum Duplicates: String, CaseIterable { case refuse, allow }
  enum Suspicious: String, CaseIterable { case refuse, warn, accept }

  /// `load`.
  public static let name = "load"
  /// What it does.
  public static let summary = "read the rows of a CSV or JSON manifest"
  /// An entry that works.
  public static let example =
    #"{"stage":"load","manifest":"customers.csv","map":{"Birth Date":"dob"}}"#

  private let options: Options
  private let names: ColumnNames
  private let encoding: TextEncoding?
  private let dateFormat: DateFormat?
  private let patterns: [Side: PathPattern]

  /// Checks that renamed columns exist, and that encoding and date format are known.
  public init(options: Options) throws(OptionError) {
    self.options = options
    let renamed = try options.map.map { name, column throws(OptionError) in
      guard let known = ColumnName(column) else { throw Load.unknown(column, for: name) }
      return (name, known)
    }
    names = ColumnNames(
      renamed: Dictionary(renamed) { first, _ in first }, ignored: Set(options.ignoreColumns),
      takesKnown: options.mapKnown)
    encoding = TextEncoding.named(options.encoding)
    guard encoding != nil || options.encoding.lowercased() == "auto" else {
      throw OptionError(
        option: "encoding",
        "option \"encoding\" of stage \"load\" is one of \(TextEncoding.names.joined(separator: ", ")), not "
          + options.encoding.quoted(known: TextEncoding.names))
    }
    var patterns: [Side: PathPattern] = [:]
    for (side, text) in [(Side.front, options.front), (.back, options.back)] {
      if let text { patterns[side] = try PathPattern(text, side: side) }
    }
    self.patterns = patterns
    dateFormat = options.dateFormat.flatMap(DateFormat.init)
    if let text = options.dateFormat, dateFormat == nil {
      throw OptionError(
        option: "date-format",
        "option \"date-format\" of stage \"load\" needs a day, a month and a year once each, as in MM/DD/YYYY, "
          + "DD.MM.YYYY, DD-MMM-YYYY or YYYY-MM-DD hh:mm:ss, or is excel, not \(text.quoted())")
    }
  }

  private static func unknown(_ column: String, for name: String) -> OptionError {
    OptionError(
      option: "map",
      "option \"map\" of stage \"load\" gives \"\(Sanitizer.clean(name, limit: 60))\" the column "
        + "\"\(Sanitizer.clean(column, limit: 60))\", which does not exist"
        + NearestName.suggestion(for: column, among: Column.names)
        + " (known: \(Column.names.joined(separator: ", ")))")
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
      throw unreadable(failure, file: manifest.path)
    }
  }

  private func open(_ manifest: Manifest) throws -> any RowSource {
    let notes = ManifestNotes()
    let root = try root(of: manifest, notes)
    let text = try ManifestText(manifest.source, encoding: encoding, notes: notes)
    let start = text.start
    var window = ByteWindow(text)
    let content = try recognise(&window, start, path: manifest.path)
    let rule = CellRule(
      dateFormat: dateFormat, refusesUnknownDays: options.suspicious == .refuse, dates: notes.dates)
    let builder = RowBuilder(
      root: root, rule: rule, suspicious: options.suspicious, patterns: patterns)
    let cleaner = CellCleaner(
      notes: notes, nulls: Set(options.null.map { $0.lowercased() }),
      suspicious: options.suspicious)
    let limit = options.maxRowBytes
    let isList = content == .jsonList && options.format != .csv
    if options.format == .auto, let surprise = Load.surprise(content, path: manifest.path) {
      notes.say(surprise)
    }
    if isList || options.format == .jsonl || options.format == .auto && content == .json {
      let reader = try JSONReader(
        window, isList: isList, names: names, limit: limit, cleaner: cleaner)
      return ManifestRows(reader, builder: builder, path: manifest.path)
    }
    let reader = try CSVReader(
      window, delimiter: options.delimiter, names: names, limit: limit, cleaner: cleaner)
    return ManifestRows(reader, builder: builder, path: manifest.path)
  }

  /// Takes byte order marks off, also those of a file that was converted twice, and looks at what follows.
  private func recognise(_ window: inout ByteWindow, _ start: [UInt8], path: String?) throws
    -> ManifestContent
  {
    while window.count < 64, try window.grow() {}
    let marks: [[UInt8]] = [[0xEF, 0xBB, 0xBF], [0xC3, 0xAF, 0xC2, 0xBB, 0xC2, 0xBF]]
    while let mark = marks.first(where: window.bytes[window.start...].starts) {
      window.take(mark.count)
    }
    let content = ManifestContent(window.bytes[window.start...], ofFile: start)
    switch content {
    case .other(let kind, let hint):
      throw unusable("the manifest is \(kind), neither CSV nor JSON", hint: hint, file: path)
    case .empty where options.format != .jsonl:
      throw unusable(
        "the manifest is empty", hint: "a CSV manifest starts with a line that names its columns",
        file: path)
    default: return content
    }
  }

  /// A notice when the name of the file says something else than its content.
  private static func surprise(_ content: ManifestContent, path: String?) -> String? {
    let name = path?.lowercased() ?? ""
    let isLines = name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson")
    switch content {
    case .json where name.hasSuffix(".csv"):
      return "the manifest is called .csv and read as JSON Lines, as its first byte shows"
    case .csv where isLines:
      return "the manifest is called JSON Lines and read as CSV, as its first byte shows"
    default: return nil
    }
  }

  private func root(of manifest: Manifest, _ notes: ManifestNotes) throws(StageFailure)
    -> ImageRoot
  {
    let path = options.imagesRoot ?? manifest.folder
    do throws(FileFailure) {
      return try ImageRoot(
        path, notes: notes, notesUse: options.unusedFiles, hint: hint(of: manifest))
    } catch {
      let detail = error == .notFound ? "there is no such folder" : "\(error)"
      throw StageFailure(
        .fileNotFound, "the images root: \(detail)",
        hint: "give --images-root an existing folder", outcome: .fatal, file: path)
    }
  }

  /// What to do where a scan isn't there.
  private func hint(of manifest: Manifest) -> String {
    let start =
      manifest.path == nil
      ? "the current folder, as the manifest is standard input" : "the manifest's folder"
    return "check the path: it is relative to "
      + (options.imagesRoot == nil
        ? "\(start); --images-root DIR names another" : "the folder of --images-root")
  }
}
