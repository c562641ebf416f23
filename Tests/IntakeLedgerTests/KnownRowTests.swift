import IntakeCore
import IntakeLedger
import IntakeSystem
import Testing

/// The row that an open ledger hands out.
@Suite(.timeLimit(.minutes(20)))
struct KnownRowTests {
  let folder = TemporaryFolder()

  private func origin(
    _ cells: String, files: String? = nil, images: String? = nil, label: String? = nil
  ) -> RowOrigin {
    func bytes(_ text: String) -> Personal<[UInt8]> { Personal(Array(text.utf8)) }
    var origin = RowOrigin(
      label: label, cells: bytes(cells), files: files.map(bytes), inFormat1: bytes(cells))
    origin.images = images.map(bytes)
    return origin
  }

  private func send(_ origin: RowOrigin?, in ledger: Ledger, as row: String = "row-1") async throws
  {
    var submission = Submission.test()
    submission.origin = origin
    try await ledger.intend(submission, for: ledger.key(row), attempt: 1)
    try await ledger.record(.test(ledger.key(row), .accepted, attempts: 1))
  }

  @Test func aChangeIsNoticedInTheNextRun() async throws {
    let first = try await Ledger.open(folder.ledger)
    try await send(origin("zip=10001", files: "a.jpg 1", images: "pixels"), in: first)
    await first.close()
    let second = try await Ledger.open(folder.ledger)
    let row = try second.known("row-1")
    #expect(row.change(to: origin("zip=10001", files: "a.jpg 1")) == .none)
    #expect(row.change(to: origin("zip=10002", files: "a.jpg 1")) == .content)
    #expect(row.change(to: origin("zip=10001", files: "a.jpg 2")) == .perhapsImages)
    #expect(row.change(to: origin("zip=10001", files: "a.jpg 2", images: "pixels")) == .none)
    #expect(row.change(to: origin("zip=10001", files: "a.jpg 2", images: "others")) == .content)
    // Where no scan is sent, none can have changed.
    #expect(row.change(to: origin("zip=10001")) == .none)
    #expect(!Bytes.text(folder.ledger).contains("10001"))
  }

  @Test func theLastAttemptCounts() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    try await send(origin("a"), in: ledger)
    try await send(origin("b"), in: ledger)
    #expect(try ledger.known("row-1").change(to: origin("a")) == .content)
    #expect(try ledger.known("row-1").change(to: origin("b")) == .none)
  }

  @Test func aLedgerThatDoesNotKnowClaimsNothing() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    #expect(try ledger.known("row-1").change(to: origin("a")) == .none)
    try await send(nil, in: ledger)
    #expect(try ledger.known("row-1").change(to: origin("a")) == .none)
  }

  @Test func aRowTellsWhenItWasAcceptedAndWhetherThisRunSentIt() async throws {
    let first = try await Ledger.open(folder.ledger)
    #expect(try first.known("row-1").accepted == nil)
    let before = SystemTime.wall.rounded(.down)
    try await send(origin("a"), in: first)
    let row = try first.known("row-1")
    let since = try #require(row.accepted)
    #expect(since >= before && since <= SystemTime.wall)
    #expect(row.wasSentInThisRun)
    await first.close()
    let second = try await Ledger.open(folder.ledger)
    #expect(try second.known("row-1").accepted == since)
    #expect(try !second.known("row-1").wasSentInThisRun)
  }

  /// A row that another ledger has in doubt, and that this one has seen refused before it was sent.
  @Test func aRefusalDoesNotHideTheDoubtOfAnotherLedger() async throws {
    let (other, own) = (folder.path + "/other.ledger", folder.ledger)
    func settings(_ path: String, _ history: [String] = []) -> LedgerSettings {
      var settings = LedgerSettings(
        path: path, target: "dcams", operation: "createOrUpdateCustomer")
      (settings.sharedKeys, settings.history) = (folder.path + "/shared.key", history)
      return settings
    }
    let first = try await Ledger.open(settings(other))
    try await first.intend(.test(), for: first.key("row-1"), attempt: 1)
    await first.close()
    let refusing = try await Ledger.open(settings(own, [other]))
    #expect(try refusing.known("row-1").standing == .inDoubt)
    try await refusing.record(.test(refusing.key("row-1"), .rejected))
    #expect(try refusing.known("row-1").standing == .inDoubt)
    await refusing.close()
    let second = try await Ledger.open(settings(own, [other]))
    #expect(try second.known("row-1").standing == .inDoubt)
    try await second.mark(second.key("row-2"), as: .notAccepted, by: "operator:test")
    try await send(origin("a"), in: second)
    #expect(try second.known("row-1").standing == .accepted)
    await second.close()
    // What another ledger has accepted since then counts more than what somebody said here.
    let accepting = try await Ledger.open(settings(other))
    try await send(origin("a"), in: accepting, as: "row-2")
    await accepting.close()
    let third = try await Ledger.open(settings(own, [other]))
    #expect(try third.known("row-2").standing == .accepted)
  }

  /// Batches number their rows from 1: the name belongs to whoever had it last.
  @Test func aRowIsFoundByItsLabelAndBySeveralWhereTheyShareOne() async throws {
    let first = try await Ledger.open(folder.ledger)
    try await send(origin("a", label: "1"), in: first, as: "email:ada@example.org")
    try await send(origin("b", label: "2"), in: first, as: "email:bea@example.org")
    try await send(origin("c", label: "1"), in: first, as: "email:cai@example.org")
    try await send(origin("b", label: "3"), in: first, as: "email:bea@example.org")
    await first.close()
    let reader = try LedgerReader(folder.ledger)
    func rows(_ name: String) throws -> [RowKey] { try reader.keys(named: name) }
    #expect(
      try rows("1") == [first.key("email:ada@example.org"), first.key("email:cai@example.org")])
    #expect(try rows("2").isEmpty)
    let bea = first.key("email:bea@example.org")
    #expect(try rows("3") == [bea] && rows("BEA@example.org") == [bea])
    #expect(try rows(bea.description) == [bea] && rows("4").isEmpty)
  }

  @Test func aRowThatWasLookedUpDoesNotChange() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    let before = try ledger.known("row-1")
    try await ledger.intend(.test(), for: before.key, attempt: 1)
    let sent = try ledger.known("row-1")
    try await ledger.record(.test(before.key, .accepted, attempts: 1))
    #expect(before.standing == .unknown && before.lastWritten == nil)
    #expect(sent.standing == .inDoubt && sent.isUnchanged(.test()))
    #expect(try ledger.known("row-1").standing == .accepted)
  }

  /// The ledger keeps whole seconds, and a row in doubt must never look older than it is.
  @Test func theLastLineIsNeverTakenForOlderThanItIs() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    let before = SystemTime.wall
    try await ledger.intend(.test(), for: ledger.key("row-1"), attempt: 1)
    let last = try #require(try ledger.known("row-1").lastWritten)
    #expect(last > before && last <= SystemTime.wall + 1)
  }

  @Test func onlyAnAnswerThatProvesSomethingSettlesARowAndTheLedgerSaysWhat() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    let key = ledger.key("row-1")
    try await ledger.intend(.test(), for: key, attempt: 1)
    try await ledger.settle(key, as: .unknown(evidence: "the answer was cut"))
    #expect(try ledger.known("row-1").standing == .inDoubt)
    try await ledger.settle(key, as: .notAccepted(evidence: "no such customer"))
    #expect(try ledger.known("row-1").standing == .notAccepted)
    try await ledger.settle(key, as: .accepted(evidence: "PASS"))
    #expect(try ledger.known("row-1").standing == .accepted)
    await ledger.close()
    var authors: [String] = []
    try LedgerReader(folder.ledger).forEachLine { (line, _) throws(JournalError) in
      if let author = line.author { authors.append(author) }
    }
    #expect(authors == ["target:no_such_customer", "target:PASS"])
  }
}
