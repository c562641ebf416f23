/// One step of a pipeline: takes a value and returns the next one.
///
/// It keeps no state between items, because several run through the same value at once. It throws a
/// `StageFailure` to say what the engine and the operator should do, or anything else, which fails that row.
public protocol Stage<Input, Output>: Plugin {
  /// What it takes.
  associatedtype Input: Sendable
  /// What it returns.
  associatedtype Output: Sendable

  /// Does the work for one item; runs on a thread that may block.
  func run(_ input: consuming Input, in context: StageContext) async throws -> Output
}

/// What a stage may know about the item it works on.
public struct StageContext: Sendable {
  /// The row.
  public let row: RowReference
  /// The side, while an image is worked on.
  public let side: Side?
  /// Bytes before base64 that this image may have at most, as the request leaves room for it; nil for no bound.
  public let imageBudget: Int?
  /// Seconds since 1970 at the start of the attempt; virtual in simulations.
  public let time: UnixTime
  private let sink: (@Sendable (LogLevel, String) -> Void)?

  /// Describes an item.
  public init(
    row: RowReference, side: Side? = nil, imageBudget: Int? = nil, time: UnixTime = 0,
    log: (@Sendable (LogLevel, String) -> Void)? = nil
  ) {
    self.row = row
    self.side = side
    self.imageBudget = imageBudget
    self.time = time
    self.sink = log
  }

  /// Tells the operator something about this item, on standard error; leave personal data out.
  public func log(_ level: LogLevel, _ message: String) { sink?(level, message) }

  /// The same context for one side with its share of the budget.
  public func forSide(_ side: Side, imageBudget: Int?) -> StageContext {
    StageContext(row: row, side: side, imageBudget: imageBudget, time: time, log: sink)
  }
}

/// How much a log line matters.
public enum LogLevel: String, Sendable, Comparable, CaseIterable {
  /// Details for the author of a stage, and what is going on; shown with `--verbose`.
  case debug, info
  /// Ordinary, and worth knowing.
  case notice
  /// Something that people should look at.
  case warning
  /// Something that went wrong.
  case error

  /// Later levels matter more.
  public static func < (left: LogLevel, right: LogLevel) -> Bool {
    (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
  }
}

/// Enriches or checks a row before its images are read.
public protocol RecordStage: Stage where Input == IntakeRecord, Output == IntakeRecord {}

/// Converts files of other formats to JPEG or PNG before the decoder sees them; passes on all others.
///
/// Return `ImageFile.converted(to:from:of:)`, or `holding(_:)` for a file that was only looked at.
public protocol FileStage: Stage where Input == ImageFile, Output == ImageFile {}

/// Reads and recognises a scan.
public protocol ImageDecoder: Stage where Input == ImageFile, Output == DocumentImage {}

/// Changes or judges a scan: crop, deskew, quality gate.
public protocol ImageStage: Stage where Input == DocumentImage, Output == DocumentImage {}

/// Makes a scan ready to send, within `StageContext.imageBudget`.
public protocol ImagePreparer: Stage where Input == DocumentImage, Output == PreparedImage {
  /// The longer side, in pixels, that it will have decoded, so that the runner can reserve the memory.
  func edge(for side: Side) -> Int?
}

/// Changes an image that is ready to send: optimise, stamp.
public protocol PreparedImageStage: Stage where Input == PreparedImage, Output == PreparedImage {}

/// Turns an image into the text form that a request holds.
public protocol ImageEncoder: Stage where Input == PreparedImage, Output == EncodedImage {}

/// Builds a vendor's request from a row and its images.
public protocol Assembler: Stage where Input == Assembly, Output == Submission {
  /// Whose API it is, with everything that the command line needs to know; nil where the plan describes the API.
  static var vendor: Vendor? { get }

  /// Names of JSON fields that a dry run shows: they hold nothing about a person.
  static var shownFields: Set<String> { get }

  /// The receiving API.
  var target: any Target { get }

  /// Whether requests hold images; where they do not, no image is read.
  var sendsImages: Bool { get }

  /// What the target knows the customer of a row by, in a form of `RowIdentity`; nil when the row lacks it.
  ///
  /// Ledger and shards know rows by it: whatever the manifest is called, and however its rows are numbered.
  func identity(of record: IntakeRecord) -> Personal<[UInt8]>?

  /// Everything that is wrong with the row's fields, with column names; checked before any image is read.
  func problems(in record: IntakeRecord) -> [StageFailure]

  /// What the request leaves out of the row, in words for the operator; each text is shown once a run.
  func notices(about record: IntakeRecord) -> [String]

  /// Bytes before base64 that the body leaves for all images of the row together, nil for no bound.
  func imageBudget(for record: IntakeRecord) -> Int?
}

extension Assembler {
  /// No vendor of its own by default.
  public static var vendor: Vendor? { nil }
  /// Those of the vendor by default.
  public static var shownFields: Set<String> { vendor?.shownFields ?? [] }
  /// What the loader tells rows apart by: id, else reference, else e-mail, else all cells.
  public func identity(of record: IntakeRecord) -> Personal<[UInt8]>? { record.identity }
  /// Requests hold images by default.
  public var sendsImages: Bool { true }
  /// Nothing to say by default.
  public func notices(about record: IntakeRecord) -> [String] { [] }
}

/// Changes a request before it is sent: sign, encrypt, enrich.
public protocol SubmissionStage: Stage where Input == Submission, Output == Submission {}

/// Sends a request once and says what became of it; only the runner repeats.
public protocol Submitter: Stage where Input == Submission, Output == Receipt {
  /// Checks that a target can work with this endpoint and these credentials; once, before anything is read.
  func check(_ target: any Target) throws(StageFailure)

  /// Sends a read-only request and hands back the complete answer, for rows in doubt.
  ///
  /// - Throws: `Receipt` where there is none, or one that means the same everywhere; `StageFailure` where nothing was sent.
  func ask(_ inquiry: Submission, in context: StageContext) async throws -> HTTPResponse

  /// A text of the target with `TextMask.mark` for each of the credentials, should it repeat them.
  func hidingSecrets(in text: String) -> String
}

extension Submitter {
  /// Nothing to check.
  public func check(_ target: any Target) throws(StageFailure) {}
  /// No credentials to hide.
  public func hidingSecrets(in text: String) -> String { text }
}

/// Reads the rows of a batch: a stage from nothing to rows, which fails fatally without a usable manifest.
public protocol Loader: Stage where Input == Void, Output == any RowSource {}

extension Loader {
  /// Starts reading, for callers that have no row yet.
  public func rows() async throws -> any RowSource {
    try await run((), in: StageContext(row: RowReference(line: 1)))
  }
}

/// The rows of a batch that is being read; asked for the next only when there is room for it.
public protocol RowSource: AnyObject, Sendable {
  /// The next row, nil after the last; may block.
  func next() async throws -> LoadedRow?
  /// The next row if nobody has to wait for it; nil otherwise, and after the last.
  func nextAtHand() throws -> LoadedRow?
  /// What the operator should know about the manifest as a whole: a recognised delimiter, ignored columns.
  var notices: [String] { get }
  /// What is likely a mistake of the operator: a column to rename that does not exist.
  var warnings: [String] { get }
  /// What the rows have shown so far, one text a kind: what was corrected in how many cells, which dates fit.
  var findings: [(level: LogLevel, text: String)] { get }
  /// The columns that rows can have, nil where that isn't known before the last row.
  var columns: Set<ColumnName>? { get }
  /// How many rows there are in all, nil where nothing tells; asked again and again while rows are taken.
  var expected: ExpectedRows? { get }
}

extension RowSource {
  /// None: every row is waited for.
  public func nextAtHand() throws -> LoadedRow? { nil }
  /// None.
  public var warnings: [String] { [] }
  /// None.
  public var findings: [(level: LogLevel, text: String)] { [] }
  /// Not known.
  public var columns: Set<ColumnName>? { nil }
  /// Nothing tells.
  public var expected: ExpectedRows? { nil }
}

/// How many rows there are: counted, or estimated from the part of the manifest that has been read.
public struct ExpectedRows: Sendable, Equatable {
  /// How many.
  public let count: Int
  /// Whether they were counted.
  public let isExact: Bool

  /// Takes a number, and whether it was counted.
  public init(_ count: Int, isExact: Bool) { (self.count, self.isExact) = (count, isExact) }
}

/// A row as a loader hands it on.
public struct LoadedRow: Sendable {
  /// What could be read of the row.
  public let record: IntakeRecord
  /// Everything that is wrong with it; empty for a row that can be worked on.
  public let failures: [StageFailure]
  /// The row as the manifest has it, nil from a loader that cannot write it down again.
  public let source: SourceRow?

  /// Takes a row as far as it could be read.
  public init(_ record: IntakeRecord, failures: [StageFailure] = [], source: SourceRow? = nil) {
    self.record = record
    self.failures = failures
    self.source = source
  }

  /// Whether a cell too many or too few moved the others under wrong headers, so that they prove nothing.
  public var isShifted: Bool {
    failures.contains { $0.code == .malformedRow && $0.column == nil }
  }
}

/// Writes down what became of each row: a stage from an outcome to nothing that returns when it is safe.
public protocol Recorder: Stage where Input == Outcome, Output == Void {}
