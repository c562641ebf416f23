import IntakeCore
import IntakeSystem
import TestSupport
import Testing

@testable import IntakeLedger

/// Lines as another program would write them: by the description of the format, not by our code.
struct FormatTests {
  private static let time = #""at":"2026-11-21T01:30:00Z""#
  private static let key = "AAECAwQFBgcICQoLDA0ODw"

  /// Chains bodies (`{"v":1,…` without the closing brace) into a file.
  private func file(_ bodies: String...) throws -> LossyFile {
    let file = LossyFile()
    var previous = "00000000"
    for body in bodies {
      let chained = Array((previous + body).utf8)
      let digits = String(Checksums.crc32(chained), radix: 16)
      previous = String(repeating: "0", count: 8 - digits.utf8.count) + digits
      try file.append(Array((body + ",\"c\":\"\(previous)\"}\n").utf8))
    }
    return file
  }

  private func read(_ file: LossyFile) throws -> [LedgerRecord] {
    var records: [LedgerRecord] = []
    var scan = LedgerScan(file)
    _ = try scan.run { (record, _) throws(JournalError) in records.append(record) }
    return records
  }

  private func start(_ number: Int, _ more: String = "") -> String {
    #"{"v":1,"n":\#(number),"s":0,"t":"start","k":"\#(Self.key)"\#(more),"# + Self.time
  }

  @Test func linesByTheDescriptionAreRead() throws {
    let records = try read(file(start(0), start(1)))
    #expect(records.count == 2)
    #expect(records.first?.key?.description == Self.key)
    #expect(records.first?.time == UTCTime(seconds: 1_795_224_600))
  }

  @Test func fieldsThatALaterProgramAddsAreIgnored() throws {
    #expect(try read(file(start(0, #","later":"x","more":7"#), start(1))).count == 2)
  }

  @Test func ourOwnLinesAreChainedAsDescribed() throws {
    let file = LossyFile()
    var writer = LineWriter(file, at: LedgerTip())
    for _ in 0..<3 {
      _ = try writer.append(LedgerRecord(.start, at: .now(), key: Fingerprint(Self.key)))
    }
    let text = String(decoding: file.read(at: 0, count: 4096), as: UTF8.self)
    var previous = "00000000"
    for line in text.split(separator: "\n") {
      let chained = Array((previous + line.dropLast(16)).utf8)
      let digits = String(Checksums.crc32(chained), radix: 16)
      previous = String(repeating: "0", count: 8 - digits.utf8.count) + digits
      #expect(line.hasSuffix(",\"c\":\"\(previous)\"}"))
    }
  }

  @Test(arguments: [
    #"{"v":1,"n":5,"s":0,"t":"start","k":"AAECAwQFBgcICQoLDA0ODw","at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"future","k":"AAECAwQFBgcICQoLDA0ODw","at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"start","at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"start","k":"tooshort","at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"start","k":"AAECAwQFBgcICQoLDA0ODw","at":"yesterday""#,
    #"{"v":1,"n":1,"s":0,"t":"start","k":"AAECAwQFBgcICQoLDA0ODw","at":"2026-11-21T01:30:00Z","x":"a b""#,
    #"{"v":1,"n":1,"s":0,"t":"outcome","k":"AAECAwQFBgcICQoLDA0ODw","a":1,"r":"perhaps","at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"outcome","k":"AAECAwQFBgcICQoLDA0ODw","r":"accepted","at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"intent","k":"AAECAwQFBgcICQoLDA0ODw","a":1,"at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"intent","k":"AAECAwQFBgcICQoLDA0ODw","d":"short","a":1,"at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"intent","k":"?AECAwQFBgcICQoLDA0ODw","d":"AAECAwQFBgcICQoLDA0ODw","a":1,"at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"outcome","k":7,"a":1,"r":"accepted","at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"mark","k":"AAECAwQFBgcICQoLDA0OD/","r":"accepted","at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"open","target":"dcams","key":"short","at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"step","k":"AAECAwQFBgcICQoLDA0ODw","f":8,"r":"begun","at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"mark","k":"AAECAwQFBgcICQoLDA0ODw","r":"begun","at":"2026-11-21T01:30:00Z""#,
    #"{"v":1,"n":1,"s":0,"t":"open","target":"dcams","at":"2026-11-21T01:30:00Z""#,
  ])
  func aLineThatIsNoneIsRefusedThoughItsChecksumIsRight(body: String) throws {
    let file = try file(start(0), body, start(2))
    let error = #expect(throws: JournalError.self) { _ = try read(file) }
    #expect(error?.description.contains("damaged at line 2") == true)
    var scan = LedgerScan(file)
    let other = #expect(throws: JournalError.self) {
      try scan.run(reading: StateLine.self) { (_, _) throws(JournalError) in }
    }
    #expect(other == error)
  }

  @Test(arguments: [
    "", "AAECAwQFBgcICQoLDA0OD", "AAECAwQFBgcICQoLDA0ODx", "AAECAwQFBgcICQoLDA0O+w",
  ])
  func otherTextIsNoFingerprint(text: String) {
    #expect(Fingerprint(text) == nil)
  }

  @Test func fingerprintsAreTheBase64OfTheirBytes() {
    #expect(
      Fingerprint(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F).description == Self.key)
    #expect(
      Fingerprint(Self.key) == Fingerprint(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F))
    var random = SeededRandom(seed: 7)
    for _ in 0..<1000 {
      let one = Fingerprint(high: random.next(), low: random.next())
      #expect(Fingerprint(one.description) == one)
    }
  }
}
