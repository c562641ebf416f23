import IntakeCore

/// A row as its format gives it, before anybody looks at what the cells mean.
struct RawRow {
  /// The line it starts on.
  let line: Int
  /// The cells that hold something, trimmed.
  var cells: [RawCell] = []
  /// What kept the row, or some of its cells, from being read.
  var problems: [StageFailure] = []
  /// The start of the row's bytes, where no cell could be read.
  var evidence: [UInt8] = []
}

/// A cell that holds something.
struct RawCell {
  let name: ColumnName
  let text: String
}

/// One format of a manifest: gives its rows one after the other.
protocol RowReader: ~Copyable {
  mutating func next() throws -> RawRow?
  var notices: [String] { get }
  var warnings: [String] { get }
}

/// The most bytes of an unreadable row that are kept to know it by.
let evidenceLimit = 4_096

/// A failure of the manifest as a whole: the run ends before anything is sent.
func unusable(_ detail: String, hint: String? = nil, file: String? = nil) -> StageFailure {
  StageFailure(.unusableManifest, detail, hint: hint, outcome: .fatal, file: file)
}
