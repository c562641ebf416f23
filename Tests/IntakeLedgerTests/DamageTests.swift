import IntakeCore
import IntakeLedger
import TestSupport
import Testing

/// A ledger that was changed behind the program's back is refused; one that a crash cut short is repaired.
@Suite(.timeLimit(.minutes(20)))
struct DamageTests {
  let folder = TemporaryFolder()

  /// Two runs, three rows.
  private func makeLedger() async throws -> [UInt8] {
    let first = try await Ledger.open(folder.ledger)
    try await first.send("row-1")
    try await first.noteStart(of: first.key("row-2"))
    try await first.send("row-2", .rejected)
    await first.close()
    let second = try await Ledger.open(folder.ledger)
    try await second.intend(.test("{}"), for: second.key("row-3"), attempt: 1)
    await second.close()
    return Bytes.read(folder.ledger)
  }

  private func reopen(_ bytes: [UInt8]) async throws -> Ledger {
    Bytes.write(bytes, to: folder.ledger)
    return try await Ledger.open(folder.ledger)
  }

  private func refusal(of bytes: [UInt8]) async -> String {
    do {
      let ledger = try await reopen(bytes)
      await ledger.close()
      return "opened"
    } catch {
      return "\(error)"
    }
  }

  @Test func aLedgerCutAtAnyByteGoesOnFromItsLastWholeLine() async throws {
    let whole = try await makeLedger()
    let accepted = try lineEnd(2, of: whole)
    for size in 0..<whole.count {
      let ledger = try await reopen(Array(whole[..<size]))
      let standing = try ledger.standing(of: ledger.key("row-1"))
      await ledger.close()
      #expect(size < accepted ? standing != .accepted : standing == .accepted, "cut at \(size)")
      let isWhole = size == 0 || whole[size - 1] == UInt8(ascii: "\n")
      #expect(ledger.notices.isEmpty == isWhole, "cut at \(size)")
      // What was cut is gone for the next run, too.
      guard size % 40 == 20 else { continue }
      let next = try await Ledger.open(folder.ledger)
      await next.close()
      #expect(next.notices.isEmpty, "cut at \(size)")
    }
  }

  @Test func theCutEndIsKeptAside() async throws {
    let whole = try await makeLedger()
    let start = try lineEnd(5, of: whole)
    let ledger = try await reopen(Array(whole[..<(start + 20)]))
    await ledger.close()
    #expect(Bytes.read(folder.ledger + ".torn-1") == Array(whole[start..<(start + 20)]))
    #expect(ledger.notices.first?.contains(".torn-1") == true)
  }

  @Test func anEndOfNULBytesIsCut() async throws {
    let whole = try await makeLedger()
    let ledger = try await reopen(whole + [UInt8](repeating: 0, count: 4096))
    #expect(try ledger.standing(of: ledger.key("row-1")) == .accepted)
    #expect(try ledger.standing(of: ledger.key("row-3")) == .inDoubt)
    await ledger.close()
  }

  @Test func aLedgerOfMegabytesOfNULBytesBehindItsLinesIsCut() async throws {
    let whole = try await makeLedger()
    let ledger = try await reopen(whole + [UInt8](repeating: 0, count: 3_000_001))
    #expect(try ledger.standing(of: ledger.key("row-1")) == .accepted)
    await ledger.close()
  }

  @Test func everyFlippedBitIsRefusedAndItsLineNamed() async throws {
    let whole = try await makeLedger()
    var random = SeededRandom(seed: 4711)
    for _ in 0..<500 {
      let position = Int.random(in: 0..<whole.count, using: &random)
      var damaged = whole
      damaged[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      let line = 1 + whole[..<position].count { $0 == UInt8(ascii: "\n") }
      let message = await refusal(of: damaged)
      #expect(message.contains("line \(line) (byte "), "bit at byte \(position): \(message)")
    }
  }

  @Test func everyBitOfTheLastNewlineIsGuarded() async throws {
    let whole = try await makeLedger()
    for bit in 0..<8 {
      let message = await refusal(of: whole.dropLast() + [0x0A ^ (1 << UInt8(bit))])
      #expect(message.contains("damaged at line 8"), "\(message)")
    }
  }

  @Test func aMissingLineIsRefused() async throws {
    var lines = try await makeLedger().split(separator: UInt8(ascii: "\n"))
    lines.remove(at: 3)
    #expect(await refusal(of: joined(lines)).contains("damaged at line 4"))
  }

  @Test func swappedLinesAreRefused() async throws {
    var lines = try await makeLedger().split(separator: UInt8(ascii: "\n"))
    lines.swapAt(2, 3)
    #expect(await refusal(of: joined(lines)).contains("damaged at line 3"))
  }

  @Test func linesOfAnotherLedgerAreRefused() async throws {
    let own = try await makeLedger().split(separator: UInt8(ascii: "\n"))
    let other = TemporaryFolder()
    let ledger = try await Ledger.open(other.ledger)
    for row in 1...4 { try await ledger.send("other-\(row)") }
    await ledger.close()
    let foreign = Bytes.read(other.ledger).split(separator: UInt8(ascii: "\n"))
    #expect(await refusal(of: joined(own[..<4] + foreign[4...])).contains("damaged at line 5"))
  }

  @Test func aBlockThatTheDiskLostIsNotTakenForATornEnd() async throws {
    var whole = try await makeLedger()
    let start = try lineEnd(2, of: whole)
    for position in start..<(start + 60) { whole[position] = 0 }
    #expect(await refusal(of: whole).contains("damaged at line 4"))
  }

  @Test func aNewerVersionIsRefusedByItsNumber() async throws {
    let text = String(decoding: try await makeLedger(), as: UTF8.self)
    let newer = text.split(separator: "\n").map {
      $0.replacing("{\"v\":2,", with: "{\"v\":3,") + "\n"
    }
    let message = await refusal(of: Array(newer.joined().utf8))
    #expect(message.contains("format version 3") && message.contains("versions up to 2"))
  }

  @Test(arguments: [
    "id,email\n", "id,email", "{\"id\":\"1\",\"email\":\"a@b.example\"}\n",
    "\u{FEFF}id;email\n1;2\n",
    "PK\u{3}\u{4}", "\n",
  ])
  func aFileThatIsNoLedgerIsCalledThat(text: String) async throws {
    _ = try await makeLedger()
    let message = await refusal(of: Array(text.utf8))
    #expect(message.contains("batch.ledger isn't a ledger") && !message.contains("damaged"))
  }

  /// A new key beside lines that cannot be read would make everybody in them new.
  @Test(arguments: [
    ([0, 0, 0, 24] + Array("ftypheic".utf8) + [UInt8](repeating: 7, count: 200), "isn't a ledger"),
    ([UInt8](repeating: 0, count: 400), "key file"),
  ])
  func nothingIsBegunInAFileWithoutALine(bytes: [UInt8], words: String) async {
    #expect(await refusal(of: bytes).contains(words))
    #expect(Bytes.read(folder.ledger) == bytes)
    #expect(Bytes.read(folder.ledger + ".key").isEmpty)
  }

  private func joined(_ lines: some Sequence<ArraySlice<UInt8>>) -> [UInt8] {
    lines.flatMap { $0 + [UInt8(ascii: "\n")] }
  }

  /// Bytes up to the end of line `index`, counted from 0.
  private func lineEnd(_ index: Int, of bytes: [UInt8]) throws -> Int {
    let ends = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }
    try #require(index < ends.count)
    return ends[index] + 1
  }
}
