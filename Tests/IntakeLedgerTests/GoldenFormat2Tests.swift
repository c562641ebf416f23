import IntakeCore
import IntakeLedger
import TestSupport
import Testing

/// What must never change again of format 2, in which rows go by what the target knows them by.
///
/// `Tests/Fixtures/ledger/batch-2.ledger` holds two runs over five customers, with the same key as the fixture of
/// format 1. One run was killed, the other came to its end.
@Suite(.timeLimit(.minutes(20)))
struct GoldenFormat2Tests {
  let folder = TemporaryFolder()

  private static let golden = Program.repository + "/Tests/Fixtures/ledger/batch-2.ledger"
  /// The keys of the customers a to e.
  private static let keys = [
    "0s4Xm-FTPsqmGyNdOQVxKA", "RrfTyNWjv0KG2BhC2714Xg", "-8X_69SlO3k-yP5-lnbenw",
    "j3iJ0chFgFVGL8-wuHw2FA", "u5S7O_Wht3XcmO6Ld60ypQ",
  ]

  private func open(_ path: String) async throws -> Ledger {
    var settings = LedgerSettings(
      path: path, target: "dcams:dcams.app", operation: "createOrUpdateCustomer",
      tool: "docintake-1.1")
    settings.sharedKeys = folder.path + "/dcams-dcams.app.key"
    return try await Ledger.open(settings)
  }

  /// Copies that belong to their owner alone, which checked-out files do not.
  private func copy() -> String {
    Bytes.write(Bytes.read(Self.golden), to: folder.ledger)
    writeKey()
    return folder.ledger
  }

  private func writeKey() {
    Bytes.write(Bytes.read(Self.golden + ".key"), to: folder.path + "/dcams-dcams.app.key")
  }

  private func name(_ letter: String) -> RowName {
    RowName(
      RowIdentity.of(email: "\(letter)@example.org"), inFormat1: RowIdentity.of(id: letter))
  }

  private func origin(_ letter: String, label: String) -> RowOrigin {
    func bytes(_ text: String) -> Personal<[UInt8]> { Personal(Array(text.utf8)) }
    var origin = RowOrigin(
      label: label, cells: bytes("fn=3:\(letter)da"), files: bytes(";front=10,20,\(letter).jpg"),
      inFormat1: bytes(letter))
    origin.images = bytes(";front=pixels of \(letter)")
    return origin
  }

  private func request(_ letter: String, label: String) -> Submission {
    var request = Submission.test("{\"fn\":\"\(letter)da\"}")
    request.origin = origin(letter, label: label)
    return request
  }

  private func records(_ path: String) throws -> [LedgerRecord] {
    var records: [LedgerRecord] = []
    try LedgerReader(path).forEachLine { (record, _) throws(JournalError) in
      records.append(record)
    }
    return records
  }

  /// The two runs that the fixture was written by.
  private func write(_ path: String) async throws {
    func outcome(_ key: RowKey, _ id: String, _ verdict: Verdict, attempts: Int) -> Outcome {
      var outcome = Outcome(row: RowReference(line: 2, id: id), key: key, verdict: verdict)
      outcome.attempts = attempts
      if verdict == .rejected {
        outcome.stage = "load"
        outcome.failure = StageFailure(.invalidValue, "no day", column: ColumnName(.dob))
      }
      if attempts > 0 { outcome.receipt = Receipt(.accepted, http: 200, status: "PASS") }
      return outcome
    }
    let first = try await open(path)
    let a = try first.row(for: name("a")).key
    try await first.intend(request("a", label: "1"), for: a, attempt: 1)
    try await first.record(outcome(a, "1", .accepted, attempts: 1))
    let b = try first.row(for: name("b")).key
    try await first.record(outcome(b, "2", .rejected, attempts: 0))
    let c = try first.row(for: name("c")).key
    try await first.intend(request("c", label: "3"), for: c, attempt: 1)
    let d = try first.row(for: name("d")).key
    try await first.intend(request("d", label: "4"), for: d, attempt: 1)
    await first.close()
    let second = try await open(path)
    try await second.settle(d, as: .accepted(evidence: "PASS"))
    let e = try second.row(for: name("e")).key
    try await second.noteStart(of: e)
    try await second.end(
      RunEnd(
        rows: [.accepted: 1, .rejected: 2, .failed: 3, .inDoubt: 4, .skipped: 5], changed: 1,
        isComplete: true))
    await second.close()
  }

  @Test func everyCustomerIsKnownAndStandsAsHeDid() async throws {
    let ledger = try await open(copy())
    let rows = try ["a", "b", "c", "d", "e", "f"].map { try ledger.row(for: name($0)) }
    #expect(rows.prefix(5).map(\.key.description) == Self.keys)
    #expect(
      rows.map(\.standing) == [
        .accepted, .notAccepted, .inDoubt, .accepted, .unknown, .unknown,
      ])
    #expect(rows.map(\.crashes) == [0, 0, 0, 0, 1, 0])
    #expect(rows[0].accepted == 1_795_224_609 && rows[3].accepted == 1_795_224_614)
    #expect(rows[0].isUnchanged(request("a", label: "9")))
    #expect(!rows[0].isUnchanged(request("b", label: "1")))
    await ledger.close()
  }

  @Test func aRowIsComparedWithWhatItWasMadeOf() async throws {
    let ledger = try await open(copy())
    let row = try ledger.row(for: name("a"))
    #expect(row.change(to: origin("a", label: "9")) == .none)
    #expect(row.change(to: origin("b", label: "1")) == .content)
    let same = origin("a", label: "1")
    var touched = RowOrigin(
      label: "1", cells: same.cells, files: Personal([1]), inFormat1: same.inFormat1())
    #expect(row.change(to: touched) == .perhapsImages)
    touched.images = same.images
    #expect(row.change(to: touched) == .none)
    touched.images = Personal([1])
    #expect(row.change(to: touched) == .content)
    await ledger.close()
  }

  @Test func aRowIsFoundByItsLabel() async throws {
    let folder = folder
    let reader = try LedgerReader(copy()) { _ in folder.path + "/dcams-dcams.app.key" }
    #expect(try reader.keys(named: "3").map(\.description) == [Self.keys[2]])
    #expect(try reader.keys(named: "B@example.org").map(\.description) == [Self.keys[1]])
    #expect(reader.target == "dcams:dcams.app")
  }

  @Test func theSameRecordsMakeTheSameBytes() throws {
    #expect(try LossyFile.text(of: records(Self.golden)) == Bytes.text(Self.golden))
  }

  @Test func theSameRunsWriteTheSame() async throws {
    writeKey()
    try await write(folder.ledger)
    func withoutCircumstances(_ path: String) throws -> [LedgerRecord] {
      try records(path).map { record in
        var record = record
        (record.time, record.host, record.process) = (UTCTime(seconds: 0), nil, nil)
        return record
      }
    }
    #expect(try withoutCircumstances(folder.ledger) == withoutCircumstances(Self.golden))
  }

  @Test func everyFieldIsRead() throws {
    let records = try records(Self.golden)
    #expect(
      records.map(\.kind.rawValue).joined(separator: " ")
        == "open intent outcome outcome intent intent open mark start close")
    let intent = records[1]
    #expect(intent.label == records[2].label && intent.label != nil)
    #expect(intent.cells != nil && intent.files != nil && intent.images != nil)
    // What the key and the intent say already is not said again.
    #expect(intent.customer == nil && intent.source == nil && records[2].digest == nil)
    let end = try #require(records.last)
    #expect(end.end == "complete" && end.accepted == 1 && end.rejected == 2 && end.failed == 3)
    #expect(end.doubt == 4 && end.skipped == 5 && end.changed == 1)
  }
}
