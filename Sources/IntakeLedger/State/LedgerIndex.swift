package import IntakeCore

/// The state of every row of a ledger, found by key.
///
/// A table of slots over one list of states instead of a dictionary: 64 to 72 bytes a row, no moment at
/// which two tables of all rows exist, and no hashing, for a key is made of random bits already.
package struct LedgerIndex {
  private var rows: [RowState] = []
  /// Positions in `rows` plus one, 0 where a slot is free; a power of two of them, at most half full.
  private var slots: [UInt32]
  /// Runs so far: how many times the ledger was opened for writing.
  private(set) var run = 0
  /// Rows of the present run that were sent and have no outcome yet.
  private(set) var inFlight = 0

  /// Prepares for a number of rows, so that nothing has to grow while a ledger is read.
  package init(expecting rows: Int = 0) {
    var count = 64
    while count < 2 * rows { count *= 2 }
    slots = [UInt32](repeating: 0, count: count)
    self.rows.reserveCapacity(rows)
  }

  /// Every row, in the order of appearance.
  var states: [RowState] { rows }

  subscript(key: Fingerprint) -> RowState? {
    let position = slots[slot(of: key)]
    return position == 0 ? nil : rows[Int(position) - 1]
  }

  /// What is known about a row; `unknown` for a row that the ledger has never seen.
  package func standing(of key: Fingerprint) -> Standing { self[key]?.standing ?? .unknown }

  /// Takes a line that begins at `offset`.
  package mutating func apply(_ record: LedgerRecord, at offset: Int) {
    guard let key = record.key else {
      guard record.kind == .open else { return }
      run += 1
      inFlight = 0
      return
    }
    let position = position(of: key)
    let wasInFlight = rows[position].isInFlight(in: run)
    rows[position].apply(record, at: offset, run: run)
    inFlight += (rows[position].isInFlight(in: run) ? 1 : 0) - (wasInFlight ? 1 : 0)
  }

  /// Where the state of a row stands in `rows`; a new one when there is none.
  private mutating func position(of key: Fingerprint) -> Int {
    let slot = slot(of: key)
    if slots[slot] != 0 { return Int(slots[slot]) - 1 }
    rows.append(RowState(key: key))
    slots[slot] = UInt32(rows.count)
    if 2 * rows.count > slots.count { grow() }
    return rows.count - 1
  }

  /// The slot that holds the key, or the free one where it belongs.
  private func slot(of key: Fingerprint) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: key.low) & mask
    while slots[slot] != 0, rows[Int(slots[slot]) - 1].key != key { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: 2 * slots.count)
    for position in rows.indices { slots[slot(of: rows[position].key)] = UInt32(position + 1) }
  }
}
