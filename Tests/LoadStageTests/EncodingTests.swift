import IntakeCore
import TestSupport
import Testing

@testable import LoadStage

/// Manifests as programs write them: encodings, packing, what stands above the rows and below them.
struct EncodingTests {
  private static let text = "id,fn,ln\r\n1,Zoë,Müller\r\n2,José,O’Neil\r\n"

  private func check(_ bytes: [UInt8], _ options: [String: OptionValue] = [:], notice: String?)
    async throws
  {
    let loaded = try await Workshop().load(text: bytes, options)
    #expect(loaded.cells(.fn) == ["Zoë", "José"])
    #expect(loaded.cells(.ln) == ["Müller", "O’Neil"])
    #expect(loaded.failures.isEmpty)
    let said = loaded.notices.filter { !$0.contains("separated") }
    #expect(notice.map { text in said.contains { $0.contains(text) } } ?? said.isEmpty, "\(said)")
  }

  private static func utf16(_ text: String, isBigEndian: Bool) -> [UInt8] {
    text.utf16.flatMap { unit in
      let bytes = [UInt8(truncatingIfNeeded: unit), UInt8(unit >> 8)]
      return isBigEndian ? bytes.reversed() : bytes
    }
  }

  @Test(arguments: [false, true])
  func utf16IsReadWithAndWithoutAMark(isBigEndian: Bool) async throws {
    let plain = EncodingTests.utf16(EncodingTests.text, isBigEndian: isBigEndian)
    let marked = EncodingTests.utf16("\u{FEFF}" + EncodingTests.text, isBigEndian: isBigEndian)
    try await check(plain, notice: "UTF-16")
    try await check(marked, notice: "UTF-16")
    try await check(marked, ["encoding": .text("utf-16")], notice: nil)
    let name = isBigEndian ? "utf-16be" : "UTF16LE"
    try await check(plain, ["encoding": .text(name)], notice: nil)
  }

  @Test(arguments: [false, true])
  func pairsOfSurrogatesPassTheEdgesOfPieces(isBigEndian: Bool) async throws {
    let names = (0..<30_000).map { "\($0),🙂🙃a" }
    let text = "id,fn\n" + names.joined(separator: "\n")
    let loaded = try await Workshop().load(
      text: EncodingTests.utf16(text, isBigEndian: isBigEndian))
    #expect(loaded.records.count == 30_000)
    #expect(loaded.cells(.fn).allSatisfy { $0 == "🙂🙃a" })
  }

  @Test func halfOfAPairAndALoneByteAreDamage() async throws {
    let text = EncodingTests.utf16("id,fn\n1,Ada", isBigEndian: false)
    for end in [[0x3D, 0xD8], [0x41]] as [[UInt8]] {
      let loaded = try await Workshop().load(text: text + end)
      #expect(loaded.codes == ["2 suspicious_value"])
    }
  }

  @Test func windows1252IsRecognisedWhereverItShows() async throws {
    let head = EncodingTests.text.unicodeScalars.map { $0 == "’" ? 0x92 : UInt8($0.value) }
    try await check(head, notice: "Windows-1252")
    try await check(head, ["encoding": .text("latin1")], notice: nil)
    let filler = (0..<20_000).map { "a\($0),Ada,Lee\n" }.joined()
    let late =
      Array("id,fn,ln\n".utf8) + Array(filler.utf8) + [0x39, 0x2C, 0x5A, 0xEB, 0x2C, 0x4C, 0x0A]
    let loaded = try await Workshop().load(text: late)
    #expect(loaded.cells(.fn).last == "Zë")
    #expect(loaded.notices.contains { $0.contains("Windows-1252") })
  }

  @Test func bytesWithoutALetterAreDamage() async throws {
    let loaded = try await Workshop().load(
      text: Array("id,fn\n1,M".utf8) + [0xFC, 0x81] + Array("ller\n".utf8))
    #expect(loaded.codes == ["2 suspicious_value"])
  }

  @Test(
    arguments: [
      ("macintosh", [0x5A, 0x6F, 0x91], "Zoë"), ("cp1250", [0xA3, 0xF3, 0x64, 0x9F], "Łódź"),
      ("Windows-1252", [0x80, 0x35], "€5"),
    ] as [(String, [UInt8], String)])
  func otherEncodingsAreReadWhereTheyAreNamed(name: String, bytes: [UInt8], text: String)
    async throws
  {
    let loaded = try await Workshop().load(
      text: Array("id,addr\n1,".utf8) + bytes, ["encoding": .text(name)])
    #expect(loaded.cells(.addr) == [text])
  }

  @Test func everyTableHasALetterForEachByte() {
    for table in [LetterTable.windows1252, LetterTable.windows1250, LetterTable.macintosh] {
      #expect(table.count == 128)
    }
    #expect(TextEncoding.names.dropFirst().allSatisfy { TextEncoding.named($0) != nil })
    #expect(throws: OptionError.self) { try Load(given: ["encoding": .text("ebcdic")]) }
  }

  @Test(arguments: [
    "\u{FEFF}\u{FEFF}", "ï»¿", "sep=,\r\n", "\"sep=,\"\r\n", "SEP=,\n\n",
    "Customer export 2026-03-01\n\n",
    "Export,,\n\"for \"\"us\"\"\",,\n,,\n", "\u{FEFF}sep=,\n", "a\nb\nc\nd\ne\nf\ng\nh\ni\n",
  ])
  func whatStandsAboveTheHeaderIsPassedOver(start: String) async throws {
    let loaded = try await Workshop.load(start + EncodingTests.text)
    #expect(loaded.cells(.fn) == ["Zoë", "José"])
    let lines = start.unicodeScalars.count { $0 == "\n" }
    #expect(loaded.lines == [lines + 2, lines + 3])
    #expect(loaded.notices.isEmpty == !start.unicodeScalars.contains("\n"))
    #expect(!loaded.notices.contains { $0.contains("2026") })
  }

  /// As `sort` leaves a manifest, and with titles of more than one cell.
  @Test(arguments: [
    ("0,Ada,Lee\n", 1), ("Customers\n\n0,Ada,Lee\n", 3), ("0,Ada,\n", 1), ("0,Ada,Lee,\n", 1),
    ("0;a@b.example\n", 1), ("scans/0.JPG\n", 1), ("\"0\",\"Ada\n\",Lee\n", 1),
  ])
  func aRowAboveTheHeaderIsNoTitle(start: String, line: Int) async throws {
    let error = await #expect(throws: StageFailure.self) {
      _ = try await Workshop.load(start + EncodingTests.text)
    }
    #expect(error?.detail == "line \(line) stands above the header and looks like a row")
  }

  @Test func tenLinesWithoutAHeaderAreTooMany() async throws {
    let start = String(repeating: "a title\n", count: 10)
    await #expect(throws: StageFailure.self) {
      _ = try await Workshop.load(start + EncodingTests.text)
    }
  }

  @Test(arguments: [
    ("sep=;\nid;fn\n1;a,b\n", "a,b"), ("sep=^\nid^fn\n1^a;b\n", "a;b"), ("id|fn\n1|a;b\n", "a;b"),
    ("sep=\t\nid\tfn\n1\ta b\n", "a b"), ("sep=;\nfn\na b\n", "a b"),
    ("Title\nid;fn\n1;a,b\n", "a,b"),
  ])
  func theDelimiterIsToldByTheHeaderOrTheLineAboveIt(text: String, cell: String) async throws {
    let loaded = try await Workshop.load(text)
    #expect(loaded.cells(.fn) == [cell])
    #expect(loaded.notices.contains { $0.contains("separated by") })
  }

  @Test func aLineThatNamesAnotherDelimiterThanTheHeaderHasIsNamed() async throws {
    let error = await #expect(throws: StageFailure.self) {
      _ = try await Workshop.load("sep=;\r\n" + EncodingTests.text)
    }
    #expect(
      error?.detail.contains("sep= line says that cells are separated by a semicolon") == true)
    #expect(error?.detail.hasSuffix("by a comma") == true && error?.outcome == .fatal)
  }

  @Test(arguments: [
    "\u{0}", String(repeating: "\u{0}", count: 200_000), "\u{1A}", "\u{1A}\u{0}\u{0}",
    "\r\n\u{1A}\r\n", "\u{1A}\n\u{0}\n",
  ])
  func whatIsLeftBehindTheLastRowIsIgnored(tail: String) async throws {
    for text in [EncodingTests.text, String(EncodingTests.text.dropLast())] {
      try await check(Array((text + tail).utf8), notice: "NULs or Ctrl-Z")
    }
    let json = try await Workshop.load("{\"id\":\"1\"}\n" + tail)
    #expect(json.codes.isEmpty && json.records.count == 1)
  }

  @Test(arguments: [1, 70_000])
  func whatIsInTheMiddleIsNot(count: Int) async throws {
    let loaded = try await Workshop.load(
      "id,fn\n1,A\(String(repeating: "\u{0}", count: count))a\n2,\u{1A}\n3,Bo\n")
    #expect(loaded.lines == [2, 3, 4])
    #expect(loaded.cells(.id) == ["3"])
  }

  @Test(arguments: [
    "id,fn,,\n1,Ada,,\n2,Bo\n", "id,fn\n1,Ada,,\n2,Bo,,\n", "id,fn\n1,Ada,\n2,Bo\n",
    "id,fn,\n1,Ada,,\n2,Bo\n",
    "id,fn\n\u{A0},\u{200B}\n1,Ada,\u{3000}\n2,Bo\n", "id,fn\n,\n1,Ada\n\" \",\n2,Bo\n,,,\n",
  ])
  func emptyCellsAtTheEndAreNothing(text: String) async throws {
    let loaded = try await Workshop.load(text)
    #expect(loaded.cells(.fn) == ["Ada", "Bo"])
    #expect(loaded.codes.isEmpty)
  }

  @Test func blankRowsAreCounted() async throws {
    let loaded = try await Workshop.load("id,fn\n,\n\n1,Ada\n \n\u{A0},\n")
    #expect(loaded.notices == ["3 blank rows are passed over (first: line 2)"])
  }

  /// An empty cell more in one row comes of a comma in another cell; where all have it, it is nothing.
  @Test func anEmptyCellMoreMustBeInEveryRow() async throws {
    let sound = "1,Ada,20010203,\n2,Bo,20010203,\n"
    let loaded = try await Workshop.load(
      "id,fn,dob\n" + sound + "3,C,y,\n4,1 Elm, Apt 2,,\n5,Di,20010203\n")
    #expect(loaded.cells(.id) == ["1", "2", "5"])
    #expect(loaded.codes == ["4 invalid_value", "5 malformed_row"])
    let first = try await Workshop.load("id,addr,dob\n1,1 Elm, Apt 2,\n2,1 Elm,20010203\n")
    #expect(first.codes == ["2 malformed_row"])
    let later = try await Workshop.load(
      "id,addr,dob,fn\n1,1 Elm,20010203,Ada\n2,1 Elm, Apt 2,20010203,\n")
    #expect(later.codes == ["3 malformed_row"] && later.rows[1].record.row.id == nil)
  }

  /// A header that ends with a comma, and rows that don't: what is wrong with a row is its value.
  @Test func aHeaderMayHaveACommaMoreThanTheRows() async throws {
    let header = "id,email,fn,\n"
    let loaded = try await Workshop.load(header + "1,x,Ada\n2,a@b.example,Bo\n3,x,Cy\n")
    #expect(loaded.codes == ["2 invalid_value", "4 invalid_value"])
    let mixed = try await Workshop.load(header + "1,a@b.example,Ada\n2,x,Bo,\n3,b@b.example,Cy,\n")
    #expect(mixed.codes == ["3 malformed_row"] && mixed.cells(.fn) == ["Ada", "Cy"])
    #expect(mixed.failures[0][0].detail == "the row has 4 cells, those before it have 3")
  }

  @Test func aCellTooManyThatHoldsSomethingIsRefused() async throws {
    let loaded = try await Workshop.load("id,fn\n1,Ada,\n2,Bo,x\n3,Cy\n")
    #expect(loaded.codes == ["3 malformed_row"])
    #expect(loaded.rows[1].record.row.id == nil)
  }

  @Test func aHeaderAloneIsWorthAWarning() async throws {
    #expect(
      try await Workshop.load("id,fn\n").warnings == ["the manifest has a header and no rows"])
    #expect(try await Workshop.load("id,fn\n1,Ada\n").warnings.isEmpty)
    #expect(try await Workshop.load("[]").warnings == ["the manifest has no rows"])
    #expect(try await Workshop.load("[{\"id\":\"1\"}]").warnings.isEmpty)
  }
}

/// gzip, whole and damaged; the packed texts were made by gzip 1.12.
struct GzipTests {
  /// `printf 'id,fn\n1,Ada\n' | gzip -n`, and the same of `2,Bo\n`.
  private static let first: [UInt8] = [
    0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xCB, 0x4C, 0xD1, 0x49, 0xCB, 0xE3,
    0x32, 0xD4, 0x71, 0x4C, 0x49, 0xE4, 0x02, 0x00, 0xAA, 0x7A, 0x78, 0x0E, 0x0C, 0x00, 0x00, 0x00,
  ]
  private static let second: [UInt8] = [
    0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x33, 0xD2, 0x71, 0xCA, 0xE7, 0x02,
    0x00, 0xA5, 0xCB, 0x89, 0x86, 0x05, 0x00, 0x00, 0x00,
  ]

  @Test func itIsUnpackedWithANotice() async throws {
    let loaded = try await Workshop().load(text: GzipTests.first, as: "a.csv.gz")
    #expect(loaded.cells(.fn) == ["Ada"])
    #expect(loaded.notices.contains { $0.contains("gzip") })
  }

  @Test(arguments: [[], [0, 0, 0, 0], [UInt8](repeating: 0, count: 200_000)] as [[UInt8]])
  func membersFollowEachOtherAndPaddingIsIgnored(padding: [UInt8]) async throws {
    let parts = [GzipTests.first, GzipTests.second, []].joined(separator: padding)
    #expect(try await Workshop().load(text: Array(parts)).cells(.fn) == ["Ada", "Bo"])
  }

  @Test(arguments: ["2,Bo\n", "\u{0}\u{0}2,Bo\n", "\u{1F}", "\u{1F}2,Bo\n"])
  func whatFollowsAMemberAndIsNoneEndsTheRun(rest: String) async throws {
    let error = await #expect(throws: StageFailure.self) {
      _ = try await Workshop().load(text: GzipTests.first + rest.utf8)
    }
    #expect(error?.detail.contains("gzip data") == true && error?.outcome == .fatal)
  }

  @Test func damageAndACutEndTheRunAndAreSaid() async throws {
    var damaged = GzipTests.first
    damaged[damaged.count - 6] ^= 1
    for bytes in [damaged, Array(GzipTests.first.dropLast(3)), Array(GzipTests.first.prefix(12))] {
      let error = await #expect(throws: StageFailure.self) {
        _ = try await Workshop().load(text: bytes)
      }
      #expect(error?.detail.contains("gzip data") == true && error?.outcome == .fatal)
      #expect(error?.hint == "get the whole file again")
    }
  }
}
