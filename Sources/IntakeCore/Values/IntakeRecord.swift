/// One row of the manifest: who the customer is and where the scans are.
public struct IntakeRecord: Sendable {
  /// Where the row stands and what the operator calls it.
  public let row: RowReference
  /// The bytes that tell the rows of a manifest apart; made of the row's content, never of its position.
  public let identity: Personal<[UInt8]>
  /// The cells that are not empty, trimmed, by column; all of them are personal.
  public var fields: CustomerFields
  /// The scans, in the order of the sides.
  public var images: [ImageFile]

  /// Makes a record of what a loader has read.
  public init(
    row: RowReference, identity: Personal<[UInt8]>, fields: CustomerFields, images: [ImageFile]
  ) {
    self.row = row
    self.identity = identity
    self.fields = fields
    self.images = images
  }
}

/// A row as messages name it: safe to print because `id` and `reference` are the operator's own.
public struct RowReference: Sendable, Hashable {
  /// Line number in the manifest; the header is line 1.
  public let line: Int
  /// The `id` cell, where there is one.
  public let id: String?
  /// The `reference` cell, where there is one.
  public let reference: String?

  /// The operator's name for the row: a label, which the next batch may use again.
  public var label: String? { id ?? reference }

  /// Names a row.
  public init(line: Int, id: String? = nil, reference: String? = nil) {
    self.line = line
    self.id = id
    self.reference = reference
  }
}

/// The cells of a row by column; they print as `[personal]`.
public struct CustomerFields: Sendable {
  /// The cells that hold something, in the order in which they were set; looking through twenty beats hashing.
  public private(set) var cells: [(name: ColumnName, text: Personal<String>)] = []

  /// Starts with no cell.
  public init() {}

  /// The cell of a column, nil when it is empty; `number` counts the identity documents from 1.
  public subscript(column: Column, number: Int = 1) -> Personal<String>? {
    get { self[ColumnName(column, number)] }
    set { self[ColumnName(column, number)] = newValue }
  }

  /// The cell of that name, nil when it is empty.
  public subscript(name: ColumnName) -> Personal<String>? {
    get {
      for cell in cells where cell.name == name { return cell.text }
      return nil
    }
    set {
      if let index = cells.firstIndex(where: { $0.name == name }) { cells.remove(at: index) }
      guard let newValue else { return }
      if cells.isEmpty { cells.reserveCapacity(16) }
      cells.append((name, newValue))
    }
  }

  /// The date in a cell, nil when the cell is empty or no real day.
  public func date(_ column: Column, _ number: Int = 1) -> CalendarDate? {
    date(ColumnName(column, number))
  }

  /// The date in the cell of that name, nil when it is empty or no real day.
  public func date(_ name: ColumnName) -> CalendarDate? {
    self[name].flatMap { CalendarDate($0.exposed) }
  }

  /// The columns that hold something.
  public var columns: [ColumnName] { cells.map(\.name) }
}

/// The side of a document that a scan shows.
public enum Side: String, Sendable, Hashable, CaseIterable, Comparable {
  /// The side with the portrait.
  case front
  /// The other side; on many licences it carries a barcode.
  case back

  /// Front comes before back.
  public static func < (left: Side, right: Side) -> Bool { left == .front && right == .back }
}

/// A scan that has not been read yet: its path as the manifest gives it, and how to read it.
public struct ImageFile: Sendable {
  /// The side it shows.
  public let side: Side
  /// The path as the manifest gives it; shown to the operator, never kept.
  public let path: String
  /// The page of a file that has several, such as a PDF or TIFF; from 1.
  public let page: Int
  /// The file that a stage made this one from, nil for a file as it came.
  public private(set) var original: Original?
  private var reader: @Sendable (_ limit: Int) throws -> [UInt8]
  private let look: @Sendable () -> FileStamp?
  private let locate: (@Sendable () -> String)?

  /// What a converted scan was.
  public struct Original: Sendable, Hashable {
    /// The format in lower case, such as `heic` or `pdf`.
    public let format: String
    /// Bytes of the file.
    public let bytes: Int
  }

  /// Names a file and says how to read at most `limit` bytes of it; a larger file must throw.
  ///
  /// `stamp` looks at the file without reading it, nil if that is impossible; `located` gives the file's own path if
  /// `path` is another.
  public init(
    side: Side, path: String, page: Int = 1, stamp: @escaping @Sendable () -> FileStamp? = { nil },
    located: (@Sendable () -> String)? = nil,
    reader: @escaping @Sendable (_ limit: Int) throws -> [UInt8]
  ) {
    self.side = side
    self.path = path
    self.page = page
    look = stamp
    locate = located
    self.reader = reader
  }

  /// Size and time of change, nil when there is no such file; asks the system but reads nothing.
  public var stamp: FileStamp? { look() }

  /// The file's own path below the images root; asks the system.
  public var location: String { locate?() ?? path }

  /// The same file, whose bytes are handed to `hear` whenever they are read.
  public func heard(by hear: @escaping @Sendable ([UInt8]) -> Void) -> ImageFile {
    var file = self
    file.reader = { [reader] limit in
      let bytes = try reader(limit)
      hear(bytes)
      return bytes
    }
    return file
  }

  /// The same file with bytes that were read already, so that the next stage needn't read them again.
  public func holding(_ bytes: [UInt8]) -> ImageFile {
    var file = self
    file.reader = { limit in
      guard bytes.count <= limit else {
        throw StageFailure(
          .fileTooLarge, "the file has \(bytes.count) bytes, \(limit) are allowed")
      }
      return bytes
    }
    return file
  }

  /// The same scan as a JPEG or PNG, made from `count` bytes of another format such as `heic`.
  public func converted(to bytes: [UInt8], from format: String, of count: Int) -> ImageFile {
    var file = holding(bytes)
    file.original = original ?? Original(format: format, bytes: count)
    return file
  }

  /// Reads the whole file of at most `limit` bytes; blocks, so call it from a stage only.
  public func read(atMost limit: Int) throws -> [UInt8] { try reader(limit) }
}

/// What shows that a file has changed without reading it.
public struct FileStamp: Sendable, Equatable {
  /// Bytes.
  public let size: Int
  /// When its content or its names last changed (`ctime`), in nanoseconds since 1970.
  ///
  /// Nobody can set this time back, unlike that of the content, so replacing a scan always shows.
  public let changed: Int

  /// Notes size and time of change.
  public init(size: Int, changed: Int) {
    self.size = size
    self.changed = changed
  }
}
