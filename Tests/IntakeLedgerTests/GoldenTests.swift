import IntakeCore
import IntakeLedger
import TestSupport
import Testing

/// What must never change between versions, because ledgers that are in use were written with it.
///
/// `Tests/Fixtures/ledger` holds three runs with every kind of line and every field, written by version 1.0.
@Suite(.timeLimit(.minutes(20)))
struct GoldenTests {
  let folder = TemporaryFolder()

  private static let golden = Program.repository + "/Tests/Fixtures/ledger/batch.ledger"
  /// What identifies the rows `C-1` to `C-8`, and the key of each in the fixture.
  private static let keys = [
    "gkZ4ZqBA_zzTbrJ8bk9CFA", "BqInhiSh8fu63sYnxLZzgg", "geUXcflelbf5YTf1mAq-Hw",
    "-KxRbiP9XWB4pR_UXiTe8Q", "myge60cfHvpzmPQPM6tMfQ", "LYyN66zLKHxfG55iQR9WQQ",
  ]

  /// A copy that belongs to its owner alone, which a checked-out file does not.
  private func copy() -> String {
    Bytes.write(Bytes.read(Self.golden), to: folder.ledger)
    Bytes.write(Bytes.read(Self.golden + ".key"), to: folder.ledger + ".key")
    return folder.ledger
  }

  private func open(_ operation: String = "createOrUpdateCustomer") async throws -> Ledger {
    try await Ledger.open(
      LedgerSettings(
        path: copy(), target: "dcams@api.example.org", operation: operation, shard: "1/2"))
  }

  private func row(_ number: Int, in ledger: Ledger) throws -> any KnownRow {
    let id = RowIdentity.of(id: "C-\(number)")
    return try ledger.row(for: RowName(id, inFormat1: id))
  }

  /// The request that the fixture's rows were sent with.
  private var request: Submission {
    func part(_ method: String, _ path: String, _ body: [BodySegment]) -> Submission {
      Submission(
        method: method, path: path, headers: [], body: body, operation: "createOrUpdateCustomer",
        repeatSafety: .converges, customer: Personal("ada@example.org"), bodyLimit: 1_000_000,
        target: TestTarget())
    }
    var request = part(
      "POST", "/v1/customers",
      [
        .bytes(Array(#"{"fn":"Ada","pass":""#.utf8)), .secret("pass"), .bytes(Array(#""}"#.utf8)),
      ])
    request.origin = Self.origin("fn=Ada")
    request.followUps = [
      FollowUp(
        name: "upload.front", side: .front, inquiry: part("GET", "/v1/customers/1/upload", []),
        request: part("PUT", "", [.bytes([1, 2, 3])]))
    ]
    return request
  }

  /// A row as format 1 knew it: by all of it in one piece.
  private static func origin(_ content: String) -> RowOrigin {
    let bytes = Personal(Array(content.utf8))
    return RowOrigin(label: nil, cells: bytes, files: nil, inFormat1: bytes)
  }

  private func records(_ path: String) throws -> [LedgerRecord] {
    var records: [LedgerRecord] = []
    try LedgerReader(path).forEachLine { (record, _) throws(JournalError) in
      records.append(record)
    }
    return records
  }

  @Test func everyRowOfAnOldLedgerIsKnownByItsIdentityAndStandsAsItDid() async throws {
    let ledger = try await open()
    let rows = try (1...8).map { try row($0, in: ledger) }
    #expect(rows.prefix(6).map(\.key.description) == Self.keys)
    #expect(rows[7].key.description == "MGoXgIxHMerfjLYu3l8thA")
    #expect(
      rows.map(\.standing) == [
        .accepted, .notAccepted, .notAccepted, .inDoubt, .accepted, .notAccepted, .unknown,
        .unknown,
      ])
    #expect(rows.map(\.crashes) == [0, 0, 0, 0, 0, 0, 0, 2])
    #expect(rows[6].lastWritten == nil)
    // 2026-11-21T01:31:31Z, and one second because the ledger keeps whole ones.
    #expect(rows[3].lastWritten == 1_795_224_692)
    await ledger.close()
    let other = try await open("updateStatus")
    #expect(try row(1, in: other).key.description == "Lr75OaumqknT3XCETWUO7A")
    #expect(try row(1, in: other).standing == .accepted)
    #expect(try row(2, in: other).standing == .unknown)
    await other.close()
  }

  @Test func anOldRowKnowsTheRequestThatItWasSentWith() async throws {
    let ledger = try await open()
    let row = try row(4, in: ledger)
    #expect(row.isUnchanged(request) && row.stepsDone(of: request) == [0])
    #expect(row.change(to: Self.origin("fn=Ada")) == .none)
    #expect(row.change(to: Self.origin("fn=Bea")) == .content)
    var changed = request
    changed.path = "/v1/customer"
    #expect(!row.isUnchanged(changed) && row.stepsDone(of: changed).isEmpty)
    await ledger.close()
  }

  @Test func whatOldOutcomesSayIsRead() async throws {
    let ledger = try await open()
    let outcomes = try [2, 3, 6].map { try #require(try row($0, in: ledger).lastOutcome) }
    #expect(outcomes.map(\.verdict) == [.rejected, .rejected, .failed])
    #expect(outcomes.map(\.stage) == ["load", "decode", "submit"])
    #expect(outcomes.map(\.failure?.code) == [.invalidValue, .damagedImage, .throttled])
    #expect(outcomes.map(\.failure?.column?.description) == ["dob", nil, nil])
    #expect(outcomes.map(\.failure?.side) == [nil, .front, nil])
    #expect(outcomes.map(\.row.line) == [3, 4, 7] && outcomes.map(\.attempts) == [0, 0, 1])
    #expect(outcomes[2].receipt?.http == 429 && outcomes[2].receipt?.status == "other")
    #expect(outcomes[2].receipt?.bodyBytes == 99)
    await ledger.close()
  }

  @Test func everyFieldOfAnOldLedgerIsRead() throws {
    let records = try records(Self.golden)
    #expect(
      records.map(\.kind.rawValue).joined(separator: " ")
        == "open intent outcome start outcome start outcome intent open mark intent step step intent "
        + "intent outcome intent outcome open mark intent outcome start start")
    let run = records[0]
    #expect(run.tool == "docintake-1.0" && run.target == "dcams%40api.example.org")
    #expect(run.shard == "1/2" && run.host == "mill" && run.process == 4711)
    #expect(run.operation == "createOrUpdateCustomer")
    #expect(run.keyProof?.description == "EnhsqmiKlXLQSU-qj4uzYw")
    #expect(run.time == UTCTime(seconds: 1_795_224_607))
    let intent = records[1]
    #expect(intent.key?.description == Self.keys[0] && intent.attempt == 1)
    #expect(intent.customer?.description == "Oh0jY28uvrxnpuyLRB5lyw")
    #expect(intent.digest?.description == "mniLQdPdkGlnByQaZwkORw")
    #expect(intent.source?.description == "Rfmiiw4rHHaBW2HV7e8xXg")
    let outcome = records[2]
    #expect(outcome.verdict == "accepted" && outcome.http == 200 && outcome.status == "PASS")
    #expect(outcome.type == "createCustomer" && outcome.bytes == 734_212)
    #expect(outcome.milliseconds == 812 && outcome.row == 2 && outcome.digest == intent.digest)
    #expect(records[9].author == "target:no_such_customer")
    #expect(records[19].author == "operator:ada%20b" && records[19].verdict == "accepted")
    #expect(records[12].step == 1 && records[12].part == "upload.front")
    #expect(records[12].verdict == "begun" && records[15].code == "no_answer")
  }

  @Test func theSameRecordsMakeTheSameBytes() throws {
    #expect(try LossyFile.text(of: records(Self.golden)) == Bytes.text(Self.golden))
  }

  /// Rows of format 1 go by the operator's id; the customer stands beside it.
  @Test func aRowOfFormat1IsFoundByItsCustomerHoweverTheRowsAreNumbered() async throws {
    let ledger = try await open()
    func row(_ email: String, id: String) throws -> any KnownRow {
      try ledger.row(
        for: RowName(RowIdentity.of(email: email), inFormat1: RowIdentity.of(id: id)))
    }
    let known = try row("ADA@example.org", id: "1")
    #expect(known.standing != .unknown && known.isUnchanged(request))
    #expect(Self.keys.contains(known.key.description))
    // C-1 was somebody else then.
    #expect(try row("bea@example.org", id: "C-1").standing == .unknown)
    await ledger.close()
  }

  /// What a run adds to a ledger of format 1 is of format 2, and both are known afterwards.
  @Test func aLedgerOfFormat1IsContinuedInFormat2() async throws {
    let first = try await open()
    let (old, new) = (try row(1, in: first), try row(7, in: first))
    try await first.intend(request, for: new.key, attempt: 1)
    var outcome = Outcome(row: RowReference(line: 8), key: new.key, verdict: .accepted)
    outcome.attempts = 1
    try await first.record(outcome)
    await first.close()
    let versions = Bytes.text(folder.ledger).split(separator: "\n").map { $0.prefix(6) }
    #expect(Set(versions) == ["{\"v\":1", "{\"v\":2"] && versions.last == "{\"v\":2")
    let second = try await Ledger.open(
      LedgerSettings(
        path: folder.ledger, target: "dcams@api.example.org", operation: "createOrUpdateCustomer",
        shard: "1/2"))
    #expect(try row(1, in: second).standing == old.standing)
    #expect(try row(7, in: second).standing == .accepted)
    await second.close()
    #expect(try LedgerReader.verify(folder.ledger).tornBytes == 0)
  }
}
