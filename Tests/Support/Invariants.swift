import IntakeCore
import IntakeLedger
import IntakeSystem

/// What holds after every run, whatever went wrong during it: the checker of all scenarios.
///
/// Truth is what the server logged; the ledger, the result lines and the exit code are held against it.
package struct Invariants {
  package let batch: CustomerBatch
  /// How often a customer may be stored beyond the first time: 0 unless rows in doubt are sent again on purpose.
  package var allowedRepeats = 0
  /// Files of the program's own, besides the ledger and the streams, that must hold nothing personal.
  package var files: [String] = []

  package init(_ batch: CustomerBatch) { self.batch = batch }

  /// Everything that is not as promised; empty when all is well.
  ///
  /// - Parameters:
  ///   - requests: the server's log.
  ///   - results: the runs so far, in order; runs that were killed included.
  package func violations(_ requests: [ServedRequest], _ results: [Program.Result]) throws
    -> [String]
  {
    let ledger = try LedgerView(batch, results)
    return repeats(requests) + unannounced(requests, ledger) + untrue(requests, ledger)
      + lost(ledger, results) + prefixes(ledger) + leaks(results) + untold(ledger, results)
      + results.compactMap(wrongCode)
  }

  private var everybody: [Int] { Array(0..<batch.count) }

  /// I1: nobody is stored twice.
  private func repeats(_ requests: [ServedRequest]) -> [String] {
    let stored = requests.filter(\.isAccepted).compactMap(\.customer)
    return counts(stored).filter { $0.value > 1 + allowedRepeats }.map {
      "I1: \($0.key) was stored \($0.value) times"
    }
  }

  /// I2: every request was announced in the ledger.
  private func unannounced(_ requests: [ServedRequest], _ ledger: LedgerView) -> [String] {
    let sent = counts(requests.filter { !$0.isInquiry }.compactMap(\.customer))
    return everybody.compactMap { number in
      let count = sent[CustomerBatch.email(number)] ?? 0
      let intents = ledger.intents(of: number)
      return count <= intents ? nil : "I2: row \(number): \(count) requests, \(intents) intents"
    }
  }

  /// I3: who is accepted is at the server.
  private func untrue(_ requests: [ServedRequest], _ ledger: LedgerView) -> [String] {
    let stored = Set(requests.filter(\.isAccepted).compactMap(\.customer))
    return everybody.filter {
      ledger.standing(of: $0) == .accepted && !stored.contains(CustomerBatch.email($0))
    }.map { "I3: row \($0) is accepted in the ledger and not stored" }
  }

  /// I4: after a run that came to its end nobody is without a standing.
  private func lost(_ ledger: LedgerView, _ results: [Program.Result]) -> [String] {
    guard let last = results.last, [0, 3, 5].contains(last.code) else { return [] }
    return everybody.filter { ledger.standing(of: $0) == .unknown }.map {
      "I4: row \($0) is not in the ledger"
    }
  }

  /// I5: the ledger, cut at any byte, is one that a run can go on with.
  private func prefixes(_ ledger: LedgerView) -> [String] {
    let path = batch.ledger + ".prefix"
    defer { try? DurableFile.remove(path) }
    return stride(from: 1, to: ledger.bytes.count, by: max(1, ledger.bytes.count / 12)).compactMap {
      do {
        try? DurableFile.remove(path)
        try DurableFile.create(path, Array(ledger.bytes[..<$0]))
        _ = try LedgerReader.verify(path)
        return nil
      } catch {
        return "I5: cut at byte \($0): \(error)"
      }
    }
  }

  /// I6: nothing personal in streams, ledger or the program's other files, in capitals or not.
  private func leaks(_ results: [Program.Result]) -> [String] {
    let paths = [batch.ledger, batch.ledger + ".key"] + files
    let texts =
      paths.map { ($0, LedgerView.text($0)) }
      + results.flatMap { [("standard output", $0.output), ("standard error", $0.errors)] }
    return texts.flatMap { place, text in
      let text = text.lowercased()
      return CustomerBatch.canaries.filter { text.contains($0.lowercased()) }
        .map { "I6: \($0) is in \(place)" }
    }
  }

  /// I7: what was told is in the ledger; what was told last is what the ledger says.
  private func untold(_ ledger: LedgerView, _ results: [Program.Result]) -> [String] {
    var told: [String: String] = [:]
    for row in results.flatMap(\.rows) {
      guard let id = row["id"]?.string, let outcome = row["outcome"]?.string else { continue }
      told[id] = outcome
    }
    return everybody.compactMap { number in
      guard let word = told[CustomerBatch.id(number)] else { return nil }
      let standing = ledger.standing(of: number)
      let isSaid =
        switch word {
        case "accepted", "skipped": standing == .accepted
        // A later run may have sent the row again and been killed before it could tell.
        case "in_doubt", "failed", "rejected": standing != .unknown
        default: false
        }
      return isSaid ? nil : "I7: row \(number) was told \(word), the ledger says \(standing)"
    }
  }

  /// I8: the exit code says what the rows say.
  private func wrongCode(_ result: Program.Result) -> String? {
    let outcomes = result.outcomes
    let changed = result.rows.count { $0["code"]?.string == "changed_after_acceptance" }
    let bad = (outcomes["rejected"] ?? 0) + (outcomes["failed"] ?? 0) + changed
    let isRight =
      switch result.code {
      case 0: bad == 0 && outcomes["in_doubt"] == nil
      case 3: bad > 0 && outcomes["in_doubt"] == nil
      case 5: outcomes["in_doubt"] != nil
      case 4, 6, 130, 143, 256 + 9: true
      default: false
      }
    return isRight ? nil : "I8: exit code \(result.code) with \(outcomes): \(result.errors)"
  }

  private func counts(_ names: [String]) -> [String: Int] {
    names.reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }
}

/// A ledger as the checker reads it: by the numbers of the batch.
private struct LedgerView {
  let bytes: [UInt8]
  private var standings: [RowKey: Standing] = [:]
  private var announced: [RowKey: Int] = [:]
  private var keys: [Int: RowKey] = [:]

  init(_ batch: CustomerBatch, _ results: [Program.Result]) throws {
    bytes = (try? Descriptor.open(batch.ledger).wholeFile(atMost: 256 << 20)) ?? []
    let reader = try LedgerReader(batch.ledger)
    var (standings, announced): ([RowKey: Standing], [RowKey: Int]) = ([:], [:])
    try reader.forEachRow { (row) throws(JournalError) in standings[row.key] = row.standing }
    try reader.forEachLine { (line, _) throws(JournalError) in
      guard line.kind == .intent, let key = line.key else { return }
      announced[RowKey(key.description), default: 0] += 1
    }
    (self.standings, self.announced) = (standings, announced)
    var told: [String: RowKey] = [:]
    for row in results.flatMap(\.rows) {
      guard let id = row["id"]?.string, let key = row["key"]?.string else { continue }
      told[id] = RowKey(key)
    }
    for number in 0..<batch.count {
      let id = CustomerBatch.id(number)
      // Asking the ledger for a key reads all of it, so that is left to rows that were never told.
      keys[number] = try told[id] ?? reader.keys(named: id).first
    }
  }

  func standing(of number: Int) -> Standing { keys[number].flatMap { standings[$0] } ?? .unknown }
  func intents(of number: Int) -> Int { keys[number].flatMap { announced[$0] } ?? 0 }

  static func text(_ path: String) -> String {
    let bytes = (try? Descriptor.open(path).wholeFile(atMost: 256 << 20)) ?? []
    return String(decoding: bytes, as: UTF8.self)
  }
}
