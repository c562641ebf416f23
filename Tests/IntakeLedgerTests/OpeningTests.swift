import IntakeCore
import IntakeLedger
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Ledgers that cannot be worked with are refused before anything is read or sent, with the next step.
@Suite(.timeLimit(.minutes(20)))
struct OpeningTests {
  let folder = TemporaryFolder()

  private func makeLedger() async throws {
    let ledger = try await Ledger.open(folder.ledger)
    try await ledger.send("row-1")
    await ledger.close()
  }

  private func refusal(_ path: String? = nil, target: String = "dcams") async -> String {
    do {
      let ledger = try await Ledger.open(
        LedgerSettings(path: path ?? folder.ledger, target: target))
      await ledger.close()
      return "opened"
    } catch {
      return error.description
    }
  }

  @Test func newFilesBelongToTheirOwnerAlone() async throws {
    let path = folder.path + "/state/deep/batch.ledger"
    let ledger = try await Ledger.open(path)
    await ledger.close()
    #expect(mode(path) == 0o600 && mode(path + ".key") == 0o600)
    #expect(mode(folder.path + "/state") == 0o700 && mode(folder.path + "/state/deep") == 0o700)
    for name in ["/state/deep/batch.ledger", "/state/deep/batch.ledger.key"] {
      unlink(folder.path + name)
    }
    rmdir(folder.path + "/state/deep")
    rmdir(folder.path + "/state")
  }

  @Test func aSecondProcessIsRefusedAndToldWhoHasTheLedger() async throws {
    let first = try await Ledger.open(folder.ledger)
    try await first.send("row-1")
    let message = await refusal()
    #expect(message.contains("in use by process \(getpid()) on ") && message.contains(" since 20"))
    await first.close()
    #expect(await refusal() == "opened")
  }

  @Test func aLockIsFreeWhenItsOwnerIsGone() async throws {
    do { _ = try await Ledger.open(folder.ledger) }
    // The thread of the ledger lets go of the file a moment after the last reference is gone.
    var message = await refusal()
    for _ in 0..<100 where message != "opened" {
      try await Task.sleep(for: .milliseconds(10))
      message = await refusal()
    }
    #expect(message == "opened")
  }

  @Test func aLedgerIsAboutOneTarget() async throws {
    try await makeLedger()
    #expect(await refusal(target: "noah").contains("is about dcams, not noah"))
  }

  @Test(
    arguments: [
      ("1/3", "2/3", false), ("1/3", "1/4", false), ("1/3", nil, false), ("1/3", "1/3", true),
      (nil, "1/3", true), (nil, nil, true),
    ] as [(String?, String?, Bool)])
  func theFirstRunDecidesAboutTheShard(first: String?, second: String?, isOpened: Bool)
    async throws
  {
    await (try Ledger.open(folder.ledger, shard: first)).close()
    do {
      await (try Ledger.open(folder.ledger, shard: second)).close()
      #expect(isOpened)
    } catch let error as JournalError {
      #expect(!isOpened)
      #expect(error.description.contains("is of shard 1/3"), "\(error)")
      #expect(error.description.contains("Give --shard 1/3, or name another ledger"), "\(error)")
    }
  }

  @Test func aMissingKeyFileIsRefused() async throws {
    try await makeLedger()
    unlink(folder.ledger + ".key")
    #expect(await refusal().contains("batch.ledger.key of the ledger is missing"))
  }

  @Test func theKeyFileOfAnotherLedgerIsRefused() async throws {
    try await makeLedger()
    Bytes.write(
      Array(String(repeating: "0f", count: 32).utf8) + [UInt8(ascii: "\n")],
      to: folder.ledger + ".key")
    #expect(await refusal().contains("belongs to another ledger"))
  }

  @Test(arguments: ["", "0f0f\n", "not a key at all"])
  func aBrokenKeyFileIsRefused(text: String) async throws {
    try await makeLedger()
    Bytes.write(Array(text.utf8), to: folder.ledger + ".key")
    let message = await refusal()
    #expect(message.contains("batch.ledger.key") && message.contains("restore"))
  }

  @Test(arguments: [0o640, 0o604, 0o666])
  func aKeyFileThatOthersCanReadIsRefused(bits: Int) async throws {
    try await makeLedger()
    chmod(folder.ledger + ".key", mode_t(bits))
    #expect(await refusal().contains("can be read by others: run `chmod 600`"))
  }

  @Test func aReadOnlyLedgerIsRefused() async throws {
    try await makeLedger()
    chmod(folder.ledger, 0o400)
    let message = await refusal()
    #expect(message.contains("chmod u+w") || message.contains("permissions"))
  }

  @Test func aLedgerThatOthersCanWriteIsRefused() async throws {
    try await makeLedger()
    chmod(folder.ledger, 0o620)
    #expect(await refusal().contains("can be written by others"))
  }

  @Test func aFolderIsRefused() async {
    #expect(await refusal(folder.path).contains("name a file, not a folder"))
  }

  @Test func aPipeIsRefusedWithoutWaitingForItsOtherEnd() async {
    mkfifo(folder.ledger, 0o600)
    #expect(await refusal().contains("not a pipe or device"))
  }

  @Test func aSymbolicLinkIsRefused() async throws {
    try await makeLedger()
    let link = folder.path + "/link"
    symlink(folder.ledger, link)
    #expect(await refusal(link).contains("not a symbolic link"))
    symlink(folder.path + "/nowhere", folder.path + "/dangling")
    #expect(await refusal(folder.path + "/dangling").contains("not a symbolic link"))
  }

  @Test func anEmptyFileIsANewLedger() async {
    Bytes.write([], to: folder.ledger)
    #expect(await refusal() == "opened")
  }

  @Test func aLedgerThatDoesNotBeginWithARunIsRefused() async throws {
    let file = LossyFile()
    var writer = LineWriter(file, at: LedgerTip())
    _ = try writer.append(LedgerRecord(.start, at: .now(), key: Fingerprint(high: 1, low: 2)))
    let keys = try KeyRing.random()
    let error = #expect(throws: JournalError.self) {
      _ = try Ledger(file, LedgerSettings(path: "", target: "dcams"), keys: keys)
    }
    #expect(error?.description.contains("does not begin with the line of a run") == true)
  }

  private func mode(_ path: String) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { return -1 }
    return Int(status.st_mode & 0o7777)
  }
}
