package import IntakeCore
import IntakeSystem
import Synchronization

/// The state of every row of a ledger, found by key.
///
/// Most rows were sent and accepted. A run keeps only the place of their two lines in memory, 13 bytes each, and reads
/// the lines again when it is asked about the row: 13 MB for a million rows instead of 95.
package struct LedgerIndex: Sendable {
  /// Where accepted rows are read again; nil when every state is kept.
  private let file: LinesReadAgain?
  private var table = HashTable<Slot>()
  /// The rows that are kept, in the order of appearance when all are.
  private var rows: [RowState] = []
  /// Free positions in `rows`.
  private var vacant: [Int] = []
  /// Rows of format 1 by customer and operation: their keys say nothing about the customer.
  private var customers: [Fingerprint: Fingerprint] = [:]
  /// The offsets at which the runs so far begin.
  private var runs: [Int] = []
  /// Rows of the present run that were sent and have no outcome yet.
  private(set) var inFlight = 0

  package init(readingAgain file: (any JournalFile)? = nil) {
    self.file = file.map(LinesReadAgain.init)
  }

  /// Drops what was read again, because the end of the file was cut.
  func forgetWhatWasRead() { file?.forget() }

  /// The number of the present run.
  var run: UInt32 { UInt32(clamping: runs.count) }

  /// Every row, in the order of appearance; not for an index that reads rows again.
  var states: [RowState] { rows }

  /// How many rows there are of each standing.
  var counts: LedgerCounts {
    let vacant = Set(vacant)
    let kept = rows.indices.lazy.filter { !vacant.contains($0) }.map { [rows] in rows[$0] }
    return LedgerCounts(kept, accepted: table.count - rows.count + vacant.count)
  }

  /// Whether there are rows of format 1 that were sent.
  var hasFormat1: Bool { !customers.isEmpty }

  /// The row of format 1 of a customer and an operation; nil when none was sent.
  func row(
    of customer: Fingerprint, _ operation: String
  ) throws(JournalError) -> RowState? {
    guard let key = customers[customer.about(Checksums.fnv64(operation.utf8))] else { return nil }
    return try state(of: key)
  }

  /// What is known about a row; `unknown` for a row that the ledger has never seen.
  package func standing(of key: Fingerprint) throws(JournalError) -> Standing {
    try state(of: key)?.standing ?? .unknown
  }

  /// The state of a row, nil when the ledger has never seen it.
  func state(of key: Fingerprint) throws(JournalError) -> RowState? { try find(key)?.state }

  private func find(
    _ key: Fingerprint
  ) throws(JournalError) -> (place: HashTable<Slot>.Place, state: RowState)? {
    var found: RowState?
    let place = try table.place(of: Slot.hash(of: key)) { (slot) throws(JournalError) in
      let state = try state(in: slot)
      if state.key == key { found = state }
      return found != nil
    }
    guard let place, let found else { return nil }
    return (place, found)
  }

  private func state(in slot: Slot) throws(JournalError) -> RowState {
    if let position = slot.position { return rows[position] }
    let path = file?.path ?? ""
    let state = try JournalError.explaining(
      "ledger \(path) cannot be read again", try file?.state(at: slot.place, run(at:)))
    // Not the row that was there: taken for another row with the same tag, it would count as never sent.
    guard let state, Slot.hash(of: state.key) == slot.hash else {
      throw JournalError(
        "ledger \(path) was changed at byte \(slot.place.intent) while it was in use: nothing more is sent; "
          + "restore it from a backup")
    }
    return state
  }

  /// The lines that most likely say all about a row; nil when its state is kept, or there is none.
  func lines(of key: Fingerprint) -> RowLines? {
    guard let file,
      let slot = table.place(of: Slot.hash(of: key), where: { $0.position == nil }).map({
        table[$0]
      })
    else { return nil }
    return RowLines(place: slot.place, run: run(at: slot.place.intent), file: file)
  }

  /// The run that the line at an offset belongs to.
  private func run(at offset: Int) -> UInt32 {
    var (low, high) = (0, runs.count)
    while low < high {
      let middle = (low + high) / 2
      if runs[middle] <= offset { low = middle + 1 } else { high = middle }
    }
    return UInt32(clamping: low)
  }

  /// Takes a record whose line begins at `offset`.
  package mutating func apply(_ record: LedgerRecord, at offset: Int) throws(JournalError) {
    if let line = StateLine(record) { try apply(line, at: offset) }
  }

  /// Takes a line that begins at `offset`.
  mutating func apply(_ line: StateLine, at offset: Int) throws(JournalError) {
    guard let key = line.key else {
      guard case .open = line.event else { return }
      runs.append(offset)
      inFlight = 0
      return
    }
    let (place, position) = try keep(key)
    let wasInFlight = rows[position].isInFlight(in: run)
    rows[position].apply(line, at: offset, run: run)
    if case .intent(let intent) = line.event, let customer = intent.customerInFormat1 {
      customers[customer.about(line.operation)] = key
    }
    inFlight += (rows[position].isInFlight(in: run) ? 1 : 0) - (wasInFlight ? 1 : 0)
    guard file != nil, let lines = rows[position].place, lines.outcome == offset else { return }
    table[place].place = lines
    vacant.append(position)
  }

  /// Makes room in `rows` for the state of a row, a new one where there is none, and says where.
  private mutating func keep(
    _ key: Fingerprint
  ) throws(JournalError) -> (HashTable<Slot>.Place, position: Int) {
    let known = try find(key)
    if let known, let position = table[known.place].position { return (known.place, position) }
    let position = vacant.popLast() ?? rows.count
    let state = known?.state ?? RowState(key: key)
    if position == rows.count { rows.append(state) } else { rows[position] = state }
    let slot = Slot(key, at: position)
    guard let known else { return (table.insert(slot), position) }
    table[known.place] = slot
    return (known.place, position)
  }

  /// Whether an outcome says anything that the ledger doesn't say already.
  func isNews(_ outcome: LedgerRecord) throws(JournalError) -> Bool {
    guard let line = StateLine(outcome), case .outcome(let end) = line.event, let key = line.key,
      let state = try state(of: key)
    else { return true }
    // A quarantined row keeps its starts; they are no news.
    let isStarted = state.starts > 0 && !end.isQuarantined
    return state.isInFlight(in: run) || isStarted || state.outcomeHash != end.hash
      || (end.verdict == .accepted && state.standing != .accepted)
  }
}

extension LedgerIndex {
  /// A quarter of a row's key, and the place of the rest: in `rows`, or in the file.
  fileprivate struct Slot: HashTableEntry {
    private let tag: UInt32
    /// A place in the file, or 0 and a position in `rows`: no row begins in the first 16 bytes of a ledger.
    private var high, low: UInt32
    static let free = Slot(tag: 0, high: 0, low: 0)

    private init(tag: UInt32, high: UInt32, low: UInt32) {
      (self.tag, self.high, self.low) = (tag, high, low)
    }

    init(_ key: Fingerprint, at position: Int) {
      self.init(tag: key.short, high: 0, low: UInt32(position))
    }

    static func hash(of key: Fingerprint) -> UInt64 { UInt64(key.short) << 32 }

    var hash: UInt64 { UInt64(tag) << 32 }

    /// Nil for a row that is read again.
    var position: Int? { high == 0 ? Int(low) : nil }

    var place: RowState.Place {
      get { RowState.Place(packed: UInt64(high) << 32 | UInt64(low)) }
      set {
        high = UInt32(truncatingIfNeeded: newValue.packed >> 32)
        low = UInt32(truncatingIfNeeded: newValue.packed)
      }
    }
  }
}

extension Fingerprint {
  /// A customer's fingerprint mixed with the hash of an operation's name.
  fileprivate func about(_ operation: UInt64?) -> Fingerprint {
    Fingerprint(high: high ^ (operation ?? Checksums.fnv64([])), low: low)
  }
}

/// The two lines of an accepted row, which can be read while others change the index.
struct RowLines: Sendable {
  let place: RowState.Place
  let run: UInt32
  let file: LinesReadAgain

  /// What they say about a row; nil when they are about another one, or cannot be read.
  func state(of key: Fingerprint) -> RowState? {
    guard let state = try? file.state(at: place, { _ in run }), state.key == key else { return nil }
    return state
  }
}

/// The lines of accepted rows, read again from a ledger that has been checked.
///
/// It reads in pieces: rows are mostly asked for in the order of the file, by a few threads some hundred rows apart.
final class LinesReadAgain: Sendable {
  /// A part of the file, and the rest of the last line that begins in it.
  private struct Piece {
    let start: Int
    let bytes: [UInt8]

    /// The line that begins at an offset of the file; nil when it was not whole when this was read.
    func line(at offset: Int) -> Range<Int>? {
      LineReader.newline(in: bytes, from: offset - start).map { offset - start..<$0 }
    }
  }

  /// Some 50 lines: hardly slower to read than one, which counts where rows come in another order.
  private static let size = 4 * LineFormat.limit
  /// An outcome may stand one piece behind its intent, for each of a few threads.
  private static let most = 4
  private let file: any JournalFile
  /// The last one asked for comes first.
  private let pieces = Mutex<[Piece]>([])

  init(_ file: any JournalFile) { self.file = file }

  var path: String { file.path }

  func forget() { pieces.withLock { $0 = [] } }

  /// What the two lines of a row say, nil when they are not those of an accepted row.
  ///
  /// - Parameter run: gives the run that the line at an offset belongs to.
  func state(
    at place: RowState.Place, _ run: (Int) -> UInt32
  ) throws(SystemCallFailure) -> RowState? {
    var parser = LineParser()
    guard let intent = try line(at: place.intent, &parser),
      let outcome = try line(at: place.outcome, &parser)
    else { return nil }
    return RowState(of: intent, outcome, at: place, run: run(place.intent))
  }

  private func line(
    at offset: Int, _ parser: inout LineParser
  ) throws(SystemCallFailure) -> StateLine? {
    let piece = try piece(withLineAt: offset)
    guard let range = piece.line(at: offset) else { return nil }
    let line = piece.bytes.span.extracting(range)
    return parser.parse(line) ? StateLine(parser, line) : nil
  }

  private func piece(withLineAt offset: Int) throws(SystemCallFailure) -> Piece {
    try pieces.withLock { (pieces) throws(SystemCallFailure) in
      let start = offset / LinesReadAgain.size * LinesReadAgain.size
      let known = pieces.firstIndex { $0.start == start }
      if let known, pieces[known].line(at: offset) != nil {
        if known > 0 { pieces.insert(pieces.remove(at: known), at: 0) }
        return pieces[0]
      }
      let bytes = try file.read(at: start, count: LinesReadAgain.size + LineFormat.limit)
      if let index = known ?? (pieces.count < LinesReadAgain.most ? nil : pieces.count - 1) {
        pieces.remove(at: index)
      }
      pieces.insert(Piece(start: start, bytes: bytes), at: 0)
      return pieces[0]
    }
  }
}

/// How many rows a ledger knows, by standing.
package struct LedgerCounts: Sendable, Equatable {
  private let rows: [Standing: Int]

  /// Counts rows, and adds some that were accepted.
  init(_ states: some Sequence<RowState>, accepted others: Int = 0) {
    rows = states.reduce(into: [.accepted: others]) { $0[$1.standing, default: 0] += 1 }
  }

  /// Rows that the target has.
  package var accepted: Int { rows[.accepted, default: 0] }
  /// Rows that the target does not have: refused, failed, or never sent.
  package var notAccepted: Int { rows[.notAccepted, default: 0] }
  /// Rows that were sent without an answer.
  package var inDoubt: Int { rows[.inDoubt, default: 0] }
  /// Rows that were begun and neither sent nor ended.
  package var unfinished: Int { rows[.unknown, default: 0] }
  /// All rows.
  package var total: Int { rows.values.reduce(0, +) }
}
