import IntakeCore
import TestSupport
import Testing

@testable import LoadStage

/// A table of cells, written as CSV and as JSON Lines in every way that means the same.
struct RandomTable {
  static let columns: [Column] = [.id, .fn, .ln, .addr, .city]
  let rows: [[String]]

  init(_ random: inout SeededRandom) {
    let letters = ["a", "Z", "é", "漢", "\"", ",", ";", " ", "=", "'", "\\", "{", "0", "🙂", "/"]
    var rows: [[String]] = []
    for number in 0..<Int.random(in: 1...30, using: &random) {
      var row = ["r\(number)"]
      for _ in 1..<RandomTable.columns.count {
        let text = (0..<Int.random(in: 0...12, using: &random))
          .map { _ in letters.randomElement(using: &random) ?? "" }.joined()
        // Runs of blanks would be read as one.
        row.append("x" + text.split(separator: " ").joined(separator: " ") + "y")
      }
      rows.append(row)
    }
    self.rows = rows
  }

  func csv(_ random: inout SeededRandom) -> String {
    let delimiter = [",", ";", "\t"].randomElement(using: &random) ?? ","
    let header = RandomTable.columns.map(\.rawValue)
    var text = Bool.random(using: &random) ? "\u{FEFF}" : ""
    for row in [header] + rows {
      text += row.map { RandomTable.cell($0, delimiter, &random) }.joined(separator: delimiter)
      text += ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"].randomElement(using: &random) ?? "\n"
    }
    return text
  }

  private static func cell(_ text: String, _ delimiter: String, _ random: inout SeededRandom)
    -> String
  {
    let needsQuotes = text.utf8.contains { $0 == 0x22 || $0 == delimiter.utf8.first }
    guard needsQuotes || Bool.random(using: &random) else { return text }
    let blank = Bool.random(using: &random) ? " " : ""
    let doubled = text.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"")
    return blank + "\"" + doubled + "\"" + blank
  }

  var jsonLines: String {
    rows.map { row in
      let fields = zip(RandomTable.columns, row).map { ($0.rawValue, JSONOutput.string($1)) }
      return JSONOutput.object(fields).text + "\n"
    }.joined()
  }
}

struct RandomTableTests {
  @Test(arguments: 0..<200 as Range<UInt64>)
  func everyWayOfWritingATableReadsTheSame(seed: UInt64) async throws {
    var random = SeededRandom(seed: seed)
    let table = RandomTable(&random)
    for text in [table.csv(&random), table.jsonLines] {
      let loaded = try await Workshop.load(text)
      let cells = loaded.records.map { record in
        RandomTable.columns.map { record.fields[$0]?.exposed ?? "" }
      }
      #expect(cells == table.rows)
      #expect(loaded.failures.isEmpty)
    }
  }

  /// 2,000 manifests here; 20,000 and more by widening the range of seeds.
  @Test(.timeLimit(.minutes(20)), arguments: 0..<8 as Range<UInt64>)
  func noMutationOfAManifestCrashesOrHangs(seed: UInt64) async throws {
    var random = SeededRandom(seed: seed)
    let seeds = FuzzSeeds.all
    let workshop = Workshop()
    var rows = 0
    for _ in 0..<250 {
      var bytes = seeds.randomElement(using: &random) ?? []
      for _ in 0..<Int.random(in: 1...6, using: &random) { FuzzSeeds.mutate(&bytes, &random) }
      do {
        let loaded = try await workshop.load(
          text: bytes, ["max-row-bytes": .integer(1_024), "duplicates": .text("allow")])
        #expect(loaded.lines == loaded.lines.sorted())
        // Elements of a list may share a line.
        let isList = bytes.contains(UInt8(ascii: "["))
        #expect(isList || Set(loaded.lines).count == loaded.lines.count)
        let again = try await workshop.load(
          "batch.csv", ["max-row-bytes": .integer(1_024), "duplicates": .text("allow")],
          oneByOne: true)
        #expect(loaded.lines == again.lines && loaded.codes == again.codes)
        #expect(
          loaded.rows.map(\.record.identity.exposed) == again.rows.map(\.record.identity.exposed))
        rows += loaded.rows.count
      } catch let failure as StageFailure {
        #expect(failure.outcome == .fatal)
      }
    }
    #expect(rows > 100)
  }
}

/// What the mutations start from.
enum FuzzSeeds {
  static let all: [[UInt8]] = [
    "id,fn,email\n1,Ada,a@b.example\r\n2,\"B\"\"o\",b@b.example\r3,Cy,\"c@b.example\"\n",
    "\u{FEFF}id;dob;front\n1;19800102;a.jpg\n2;\"1980-01-02\";b/c.jpg",
    "{\"id\":\"1\",\"fn\":\"A\\u00e9\",\"zip\":12345}\n{\"id\":2,\"ln\":null}\n",
    "id\tstatus\n1\tPASS\n\n2\tfail\n", "sep=|\nid|fn\n1|Ada\n2|B o\n\u{0}\u{0}",
    "A title\n\nid,fn,zip\n1,Zo\u{A0}ë,04101\n2,NULL,'04101\n",
    "[\n {\n  \"id\": \"1\",\n  \"dob\": \"1/2/1970\"\n },\n {\"id\": 2}\n]\n",
    String(repeating: "id,fn\n1,\"a\nb\"\n", count: 90),
  ].map { Array($0.utf8) }

  private static let spice: [[UInt8]] = [
    [0x22], [0x22, 0x22], [0x0A], [0x0D], [0x0D, 0x0A], [0x2C], [0x3B], [0x09], [0x00], [0xFF],
    [0xC3], [0xEF, 0xBB, 0xBF], [0xC3, 0xA9], [0xE2, 0x80, 0xA8], [0x1A], [0x5B], [0x5D], [0x7B],
    [0x7D], [0x5C], [0x5C, 0x75],
    [UInt8](repeating: 0x61, count: 1_100),
    [UInt8](repeating: 0x22, count: 1_100), [UInt8](repeating: 0x2C, count: 2_000),
  ]

  static func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
    let place = Int.random(in: 0...bytes.count, using: &random)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: bytes.insert(contentsOf: spice.randomElement(using: &random) ?? [], at: place)
    case 1: bytes.removeLast(bytes.count - place)
    case 2:
      guard place < bytes.count else { return }
      bytes[place] = UInt8.random(in: 0...255, using: &random)
    default:
      let end = min(bytes.count, place + Int.random(in: 0...40, using: &random))
      bytes.insert(
        contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
    }
  }
}
