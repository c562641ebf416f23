import IntakeCore
import IntakeSystem
import Synchronization

/// A row as its format gives it, before its cells are judged.
struct RawRow {
  /// The most bytes of an unreadable row that are kept to recognise it by.
  static let evidenceLimit = 4_096

  let line: Int
  /// Whether each cell came with its column's name, so that whatever else is wrong, its `id` is the row's.
  var namesItsCells = false
  /// The cells that hold something, cleaned.
  var cells: [RawCell] = []
  /// Why cells look mangled, in words that follow the column's name.
  var suspicions: [(name: ColumnName, problem: String)] = []
  /// Says how many cells there are, where it is another number than in the rows before.
  var miscount: CellCount?
  /// What kept the row, or some of its cells, from being read.
  var problems: [StageFailure] = []
  /// The start of the row's bytes, where no cell could be read.
  var evidence: [UInt8] = []
  /// The row as it stands in the manifest.
  var source: SourceRow?

  func cell(_ column: Column) -> RawCell? { cells.first { $0.name == ColumnName(column) } }

  func suspicion(of name: ColumnName) -> StageFailure? {
    suspicions.first { $0.name == name }.map { CellRule.suspicious(name, $0.problem) }
  }

  /// The `id`, else the `reference`, else the e-mail in lower case, else every cell of the row.
  var identity: Personal<[UInt8]> {
    if let id = cell(.id) ?? cell(.reference) { return RowIdentity.of(id: id.text) }
    if let email = cell(.email)?.text, EmailAddress.problem(in: email) == nil {
      return RowIdentity.of(email: email)
    }
    return RowIdentity.of(cells: cells.isEmpty ? evidence : canonicalCells)
  }

  /// All cells by the names of their columns, with lengths, so that the order of the columns does not matter.
  private var canonicalCells: [UInt8] {
    cells.map { Array("\($0.name)=\($0.text.utf8.count):\($0.text);".utf8) }
      .sorted { $0.lexicographicallyPrecedes($1) }
      .flatMap { $0 }
  }
}

/// How many cells a row has, and how many its header or the rows before it.
struct CellCount {
  let found, wanted: Int
  var isOfHeader = true

  func failure(hint: String? = nil) -> StageFailure {
    let usual =
      found > wanted
      ? "put a cell that holds the delimiter in quotes" : "add the cells that are missing"
    return StageFailure(
      .malformedRow,
      "the row has \(found) \(found == 1 ? "cell" : "cells"), "
        + "\(isOfHeader ? "the header has" : "those before it have") \(wanted)",
      hint: hint ?? usual)
  }
}

/// A cell that holds something.
struct RawCell {
  let name: ColumnName
  let text: String
  /// Whether it is known to be printable ASCII.
  var isPlain = false
}

/// One format of a manifest: gives its rows one after the other.
protocol RowReader: ~Copyable {
  /// The manifest behind the rows that were handed out.
  var window: ByteWindow { get set }
  /// The next row, nil after the last.
  ///
  /// - Throws: `ByteWindow.NotInMemory` where more would have to be read and may not be; then it can be tried again.
  mutating func next() throws -> RawRow?
  /// Nil where a row may have other columns than those before it.
  var sharedHeader: Header? { get }
  /// Lines behind the row that was handed out last, where each may hold a row; nil where they are not in memory.
  var linesLeft: Int? { get }
}

/// Makes a record of a row's cells, or a list of everything that is wrong with them.
final class RowBuilder: Sendable {
  let root: ImageRoot
  private let rule: CellRule
  private let suspicious: Load.Suspicious
  /// What scans are called where a row names none.
  private let patterns: [(side: Side, column: Column, pattern: PathPattern)]

  init(
    root: ImageRoot, rule: CellRule, suspicious: Load.Suspicious,
    patterns: [Side: PathPattern] = [:]
  ) {
    self.root = root
    self.patterns = patterns.sorted { $0.key < $1.key }.map { ($0, $0.column, $1) }
    self.rule = rule
    self.suspicious = suspicious
  }

  func row(_ raw: RawRow) -> LoadedRow {
    var problems = raw.problems
    var fields = CustomerFields()
    var paths: [ImagePath] = []
    for cell in raw.cells {
      let column = cell.name.column
      var text = cell.text
      if !raw.suspicions.isEmpty, let suspicion = raw.suspicion(of: cell.name) {
        problems.append(suspicion)
      } else if let words = rule.complaint(about: cell) {
        problems.append(CellRule.invalid(cell.name, words))
      } else {
        switch column {
        case .dob, .idIssued, .idExpiry:
          do throws(StageFailure) { text = try rule.day(in: cell) } catch { problems.append(error) }
        case .front: paths.append(ImagePath(text: text, side: .front, root: root))
        case .back: paths.append(ImagePath(text: text, side: .back, root: root))
        case .status: text = text.uppercased()
        case .zip where text.utf8.count != 5:
          if let problem = zipProblem(raw, text) { problems.append(problem) }
        default: break
        }
      }
      fields[column, cell.name.number] = Personal(text)
    }
    for (side, column, pattern) in patterns where raw.cell(column) == nil {
      do throws(StageFailure) {
        let path = try pattern.path(for: raw, in: root)
        paths.append(ImagePath(text: path, side: side, root: root))
        fields[column, 1] = Personal(path)
      } catch {
        // The target needs no cell that would only repeat this.
        fields[column, 1] = Personal(error.file ?? "?")
        let isSaid = problems.contains { $0.column == error.column && $0.code == error.code }
        if !isSaid { problems.append(error) }
      }
    }
    if !problems.isEmpty, raw.problems.isEmpty, let shift = RowBuilder.shift(in: raw) {
      problems = [shift]
    } else {
      paths.sort { $0.side < $1.side }
      problems += paths.compactMap(\.problem)
      if paths.count == 2 { paths[1].takeSecondPage(of: paths[0]) }
      let isOneFile = paths.count == 2 && paths[1].isSame(as: paths[0])
      if isOneFile { problems.append(RowBuilder.sameFile) }
      for path in paths.dropLast(isOneFile ? 1 : 0) { path.noteUse(line: raw.line) }
    }
    var images: [ImageFile] = []
    for path in paths where path.problem == nil { images.append(path.file(line: raw.line)) }
    let record = IntakeRecord(
      row: reference(raw, problems), identity: raw.identity, fields: fields, images: images)
    return LoadedRow(record, failures: problems, source: raw.source)
  }

  /// The columns that patterns stand for.
  var derivedColumns: [ColumnName] { patterns.map { ColumnName($0.column) } }

  /// The scans that no row names: how many, and the names of the first ones.
  var unused: String? {
    let files = root.unused
    guard !files.isEmpty else { return nil }
    let names = files.prefix(10).map { Sanitizer.clean($0) }.joined(separator: ", ")
    let more = files.count > 10 ? " and \(files.count - 10) more" : ""
    let count = files.count == 1 ? "1 file is" : "\(files.count) files are"
    return "\(count) named by no row: \(names)\(more)"
  }

  private func zipProblem(_ raw: RawRow, _ zip: String) -> StageFailure? {
    let problem = SuspiciousValue.zipProblem(
      zip, country: raw.cell(.country)?.text, state: raw.cell(.state)?.text)
    guard let problem else { return nil }
    let name = ColumnName(.zip)
    if suspicious == .warn { root.notes.count(.suspicious, line: raw.line, name) }
    return suspicious == .refuse ? CellRule.suspicious(name, problem) : nil
  }

  /// What the operator calls the row; without control characters, and cut, where it is refused.
  ///
  /// A row whose cells may stand under wrong headers has no name: its `id` could be anything about the customer.
  private func reference(_ raw: RawRow, _ problems: [StageFailure]) -> RowReference {
    let isSure = raw.namesItsCells && !raw.problems.isEmpty
    guard isSure || !problems.contains(where: \.isAboutWholeRow) else {
      return RowReference(line: raw.line)
    }
    func shown(_ column: Column, limit: Int) -> String? {
      raw.cell(column).flatMap { cell in
        guard !problems.isEmpty else { return cell.text }
        if cell.text.utf8.contains(UInt8(ascii: "@")) { return nil }
        return raw.suspicion(of: cell.name) == nil && rule.complaint(about: cell) == nil
          ? cell.text : Sanitizer.clean(cell.text, limit: limit)
      }
    }
    return RowReference(
      line: raw.line, id: shown(.id, limit: 128), reference: shown(.reference, limit: 1_000))
  }

  /// What shows that cells stand under wrong headers: an unusual number of them, or an e-mail address in another column
  /// and something else in its own; nil where only values are wrong.
  private static func shift(in raw: RawRow) -> StageFailure? {
    if let count = raw.miscount { return count.failure() }
    guard let email = raw.cell(.email), !email.text.utf8.contains(UInt8(ascii: "@")) else {
      return nil
    }
    let isElsewhere = raw.cells.contains { cell in
      cell.name.column != .email && cell.text.utf8.contains(UInt8(ascii: "@"))
        && EmailAddress.problem(in: cell.text) == nil
    }
    return isElsewhere ? shifted : nil
  }

  private static let shifted = StageFailure(
    .malformedRow, "the e-mail address stands under another header: the row's cells are shifted",
    hint: "add the cell that is missing, or take the one out that is too many")

  private static let sameFile = StageFailure(
    .invalidValue, "front and back name the same file",
    hint: "name the scan of the other side; a page of a document is scan.pdf#page=2",
    column: ColumnName(.back), side: .back)
}

extension StageFailure {
  /// Whether nobody knows which cell is whose.
  fileprivate var isAboutWholeRow: Bool { code == .malformedRow && column == nil }

  static func rowTooLong(_ limit: Int) -> StageFailure {
    StageFailure(
      .malformedRow, "the row is longer than \(limit) bytes",
      hint: "shorten it or raise load.max-row-bytes")
  }
}

/// The rows of a manifest, read one by one as they are asked for.
final class ManifestRows<Reader: RowReader & ~Copyable>: RowSource {
  private let reader: Mutex<Reader>
  private let builder: RowBuilder
  private let notes: ManifestNotes
  private let path: String?
  private let taken = Mutex((rows: 0, isAll: false))
  private let isFile: Bool
  /// The part of the manifest that stands before its rows.
  private let headerShare: Double

  /// Takes a reader that is about to read its first row.
  init(_ reader: consuming sending Reader, builder: RowBuilder, path: String?) {
    // Without a header, what was read is the first row, which was looked at and counts as one.
    headerShare = reader.sharedHeader == nil ? 0 : reader.window.share ?? 0
    isFile = reader.window.share != nil
    self.reader = Mutex(reader)
    self.builder = builder
    self.path = path
    notes = builder.root.notes
    notes.beginRows()
  }

  func next() async throws -> LoadedRow? { try next(mayRead: true) }

  /// A file is read, a pipe is not: whoever writes to it may be slow.
  func nextAtHand() throws -> LoadedRow? { try next(mayRead: isFile) }

  private func next(mayRead: Bool) throws -> LoadedRow? {
    guard !taken.withLock({ $0.isAll }) else { return nil }
    do {
      let next = try reader.withLock { reader in
        reader.window.mayRead = mayRead
        return try reader.next()
      }
      guard let raw = next else {
        taken.withLock { $0.isAll = true }
        return nil
      }
      taken.withLock { $0.rows += 1 }
      return builder.row(raw)
    } catch is ByteWindow.NotInMemory {
      return nil
    } catch let failure as FileFailure {
      throw unreadable(failure, file: path)
    }
  }

  var notices: [String] { notes.opening }
  var warnings: [String] { reader.withLock { $0.sharedHeader?.warnings ?? [] } }
  var findings: [(level: LogLevel, text: String)] {
    // Rows that were not read may name them.
    let unused = taken.withLock(\.isAll) ? builder.unused : nil
    return notes.findings + [unused].compactMap(\.self).map { (.notice, $0) }
  }
  var columns: Set<ColumnName>? {
    reader.withLock { $0.sharedHeader }.map {
      Set($0.places.compactMap(\.column) + builder.derivedColumns)
    }
  }

  /// Counted by the lines that are left once they are in memory; before, estimated by their bytes, because rows of one
  /// manifest are about equally long.
  var expected: ExpectedRows? {
    let (rows, isAll) = taken.withLock(\.self)
    if isAll { return ExpectedRows(rows, isExact: true) }
    if let left = reader.withLock({ $0.linesLeft }) {
      return ExpectedRows(rows + left, isExact: false)
    }
    guard rows > 0, let share = reader.withLock({ $0.window.share }), share > headerShare else {
      return nil
    }
    let estimate = Double(rows) * (1 - headerShare) / (share - headerShare)
    return ExpectedRows(max(rows, Int(estimate.rounded())), isExact: false)
  }
}
