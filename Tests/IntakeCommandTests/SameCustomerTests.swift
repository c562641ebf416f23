import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Customers that come again: in a file of another name, place, order or form nobody is sent twice, and what changed
/// is named.
@Suite(.timeLimit(.minutes(20)))
struct SameCustomerTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  private static let columns = ["id", "email", "fn", "ln", "addr", "dob", "front"]
  private static let rows = 4

  private func cells(_ number: Int) -> [String: String] {
    [
      "id": "R-\(number)", "email": "canary-\(number)@example.com", "fn": "Zanzibar",
      "ln": "Quetzal\(number)", "addr": "\(number) Xylophone Way", "dob": "19830417",
      "front": "scan-\(number).jpg",
    ]
  }

  private var table: [[String: String]] { (0..<Self.rows).map(cells) }

  private func csv(_ rows: [[String: String]], _ columns: [String] = columns) -> String {
    ([columns] + rows.map { row in columns.map { row[$0] ?? "" } })
      .map { $0.joined(separator: ",") + "\n" }.joined()
  }

  /// A batch whose rows have all been accepted, by a run with the ledger that is used without `--ledger`.
  private func accepted() async throws -> SandboxProcess {
    for number in 0..<Self.rows { folder.write("scan-\(number).jpg", TinyScan.bytes) }
    folder.write("keys.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let sandbox = try await SandboxProcess(folder)
    let first = try await run(folder.write("batch.csv", csv(table)), sandbox)
    #expect(first.code == 0, "\(first.errors)")
    #expect(first.outcomes == ["accepted": Self.rows])
    return sandbox
  }

  private func run(
    _ manifest: String, _ sandbox: SandboxProcess, _ more: [String] = [],
    input: String = "/dev/null"
  ) async throws -> Program.Result {
    let arguments = [
      "run", manifest, "--to", "dcams", "--endpoint", sandbox.endpoint, "--credentials",
      folder.path + "/keys.json",
    ]
    return try await program.start(arguments + more, input: input).wait()
  }

  /// Nothing was sent, and the run says since when it is there.
  private func expectNothingSent(_ result: Program.Result, _ rows: Int = rows) {
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.outcomes == ["skipped": rows], "\(result.output)")
    #expect(result.rows.allSatisfy { ($0["since"]?.string?.hasSuffix("Z")) == true })
    #expect(result.rows.allSatisfy { $0["code"]?.string == "already_accepted" })
    #expect(result.errors.contains("accepted by earlier runs, the last 20"), "\(result.errors)")
  }

  private static let forms: [(String, @Sendable (SameCustomerTests) -> [String])] = [
    ("renamed", { [$0.folder.write("customers-fixed.csv", $0.csv($0.table))] }),
    (
      "reordered",
      { [$0.folder.write("b.csv", $0.csv($0.table.reversed(), columns.reversed()))] }
    ),
    (
      "split in two",
      { test in
        [0..<2, 2..<rows].map {
          test.folder.write("part-\($0.lowerBound).csv", test.csv(Array(test.table[$0])))
        }
      }
    ),
    (
      "JSON Lines",
      { test in
        let lines = test.table.map { row in
          "{" + row.map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",") + "}\n"
        }
        return [test.folder.write("batch.jsonl", lines.joined())]
      }
    ),
    (
      "numbered anew",
      { test in
        let rows = test.table.enumerated().map { number, row in
          row.merging(["id": "\(9 - number)"]) { $1 }
        }
        return [test.folder.write("b.csv", test.csv(rows))]
      }
    ),
    (
      "e-mail in other letters",
      { test in
        let rows = test.table.map { row in
          row.merging(["email": row["email"]?.uppercased() ?? ""]) { $1 }
        }
        return [test.folder.write("b.csv", test.csv(rows))]
      }
    ),
    (
      "another form of dates",
      { test in
        let rows = test.table.map { $0.merging(["dob": "1983-04-17"]) { $1 } }
        return [test.folder.write("b.csv", test.csv(rows))]
      }
    ),
    (
      "ten columns more",
      { test in
        let more = [
          "mn", "addr2", "phone", "status", "id_type", "id_number", "id_country", "id_issued",
          "id_expiry", "reference",
        ]
        let rows = test.table.map {
          $0.merging(["status": "PASS", "id_type": "passport", "id_number": "X1"]) { $1 }
        }
        return [test.folder.write("b.csv", test.csv(rows, columns + more))]
      }
    ),
  ]

  @Test(arguments: forms.indices)
  func nobodyIsSentTwiceInAnotherForm(number: Int) async throws {
    let sandbox = try await accepted()
    let (name, manifests) = Self.forms[number]
    let files = manifests(self)
    for file in files {
      let again = try await run(file, sandbox)
      expectNothingSent(again, Self.rows / files.count)
    }
    #expect(try sandbox.requests().count == Self.rows, "\(name)")
  }

  @Test func nobodyIsSentTwiceFromAPipeOrAnotherFolder() async throws {
    let sandbox = try await accepted()
    let piped = try await run(
      "-", sandbox, ["--images-root", folder.path], input: folder.path + "/batch.csv")
    expectNothingSent(piped)
    // A copy has times of its own, so its scans are compared by their bytes; nothing is decoded.
    let other = folder.folder("elsewhere")
    for name in ["batch.csv"] + (0..<Self.rows).map({ "scan-\($0).jpg" }) {
      folder.write(
        "elsewhere/" + name,
        try Descriptor.open(folder.path + "/" + name).wholeFile(atMost: 1 << 20))
    }
    let copied = try await run(other + "/batch.csv", sandbox)
    expectNothingSent(copied)
    #expect(copied.rows.allSatisfy { $0["ms"]?["decode"] == nil })
    #expect(try sandbox.requests().count == Self.rows)
  }

  /// Their results are written many at a time, but none waits for a producer that pauses.
  @Test func skippedRowsAreReportedWhileTheirProducerPauses() async throws {
    let sandbox = try await accepted()
    let pipe = folder.path + "/rows"
    try #require(mkfifo(pipe, 0o600) == 0)
    // Open for reading as well, so that neither side waits for the other.
    let producer = open(pipe, O_RDWR | O_CLOEXEC)
    let running = try program.start(
      [
        "run", "-", "--to", "dcams", "--endpoint", sandbox.endpoint, "--credentials",
        folder.path + "/keys.json", "--images-root", folder.path,
      ], input: pipe)
    for (number, line) in csv(table).split(separator: "\n").enumerated() {
      #expect(RawDescriptor.write(Array((line + "\n").utf8), to: producer))
      while running.text(".out").count(where: { $0 == "\n" }) < number {
        try await Task.sleep(for: .milliseconds(20))
      }
    }
    close(producer)
    expectNothingSent(try await running.wait())
  }

  @Test func halvesThatWereSentApartAreNotSentAgainTogether() async throws {
    let sandbox = try await accepted()
    let more = (Self.rows..<2 * Self.rows).map(cells)
    for number in Self.rows..<2 * Self.rows { folder.write("scan-\(number).jpg", TinyScan.bytes) }
    let second = try await run(folder.write("second.csv", csv(more)), sandbox)
    #expect(second.outcomes == ["accepted": Self.rows], "\(second.errors)")
    let merged = try await run(folder.write("all.csv", csv(table + more)), sandbox)
    expectNothingSent(merged, 2 * Self.rows)
  }

  /// The same length and another table of numbers: a scan of the same size that shows something else.
  private var otherScan: [UInt8] {
    var bytes = TinyScan.bytes
    bytes[25] ^= 1
    return bytes
  }

  @Test(arguments: ["cell", "scan", "path"])
  func whatChangedIsNamedAndSentOnRequest(kind: String) async throws {
    let sandbox = try await accepted()
    var rows = table
    switch kind {
    case "cell": rows[2]["addr"] = "2 Xylophone Street"
    case "scan": folder.write("scan-2.jpg", otherScan)
    default:
      folder.write("new.jpg", otherScan)
      rows[2]["front"] = "new.jpg"
    }
    let manifest = folder.write("customers-fixed.csv", csv(rows))
    let again = try await run(manifest, sandbox)
    #expect(again.code == 3, "\(again.errors)")
    #expect(again.outcomes == ["skipped": Self.rows])
    let changed = again.rows.filter { $0["code"]?.string == "changed_after_acceptance" }
    #expect(changed.compactMap { $0["id"]?.string } == ["R-2"], "\(again.output)")
    #expect(again.errors.contains("R-2") && again.errors.contains(" 1 changed"))
    #expect(again.errors.contains("--resubmit-changed"))
    #expect(try sandbox.requests().count == Self.rows)

    let rehearsal = try await run(manifest, sandbox, ["--dry-run", "--resubmit-changed"])
    #expect(rehearsal.outcomes == ["skipped": Self.rows - 1, "ready": 1], "\(rehearsal.errors)")
    let sent = try await run(manifest, sandbox, ["--resubmit-changed"])
    #expect(sent.code == 0, "\(sent.errors)")
    #expect(sent.outcomes == ["skipped": Self.rows - 1, "accepted": 1])
    expectNothingSent(try await run(manifest, sandbox))
    #expect(try sandbox.requests().count == Self.rows + 1)
  }

  /// An id is a label that the next batch may use again; what is changed besides may be about somebody else.
  @Test func aChangedRowOfAnotherIdSaysSo() async throws {
    let sandbox = try await accepted()
    var rows = table
    rows[1]["addr"] = "2 Xylophone Street"
    (rows[2]["addr"], rows[2]["id"]) = ("2 Xylophone Street", "R-200")
    let again = try await run(folder.write("customers-fixed.csv", csv(rows)), sandbox)
    let details = ["R-1", "R-200"].map { again.row($0)?["detail"]?.string ?? "" }
    #expect(details.allSatisfy { $0.hasPrefix("a cell or an image was changed") })
    #expect(details.map { $0.contains("under another id") } == [false, true], "\(again.output)")
  }

  /// What lies outside the images root is not read, so nobody can tell whether it is the same scan.
  @Test func aScanReplacedByALinkThatLeadsOutIsNamedAsChanged() async throws {
    let sandbox = try await accepted()
    let outside = TemporaryFolder()
    let scan = folder.path + "/scan-2.jpg"
    try #require(unlink(scan) == 0)
    try #require(symlink(outside.write("scan.jpg", TinyScan.bytes), scan) == 0)
    let manifest = folder.path + "/batch.csv"
    let again = try await run(manifest, sandbox)
    #expect(again.code == 3, "\(again.errors)")
    #expect(again.outcomes == ["skipped": Self.rows])
    let changed = again.rows.filter { $0["code"]?.string == "changed_after_acceptance" }
    #expect(changed.compactMap { $0["id"]?.string } == ["R-2"], "\(again.output)")
    #expect(changed.first?["detail"]?.string?.contains("path_outside_root") == true)
    // What cannot be sent is not sent on request either.
    #expect(changed.first?["hint"]?.string?.contains("--resubmit-changed") == false)
    let sent = try await run(manifest, sandbox, ["--resubmit-changed"])
    #expect(sent.code == 3, "\(sent.errors)")
    #expect(sent.outcomes == ["skipped": Self.rows - 1, "rejected": 1])
    #expect(sent.row("R-2")?["code"]?.string == "path_outside_root", "\(sent.output)")
    #expect(try sandbox.requests().count == Self.rows)
  }

  @Test func twoRowsOfOneCustomerAreNeverBothSent() async throws {
    let sandbox = try await accepted()
    var twins = [cells(7), cells(8)]
    twins[1]["email"] = twins[0]["email"]?.uppercased()
    for number in 7...8 { folder.write("scan-\(number).jpg", TinyScan.bytes) }
    let manifest = folder.write("twins.csv", csv(twins))
    let result = try await run(
      manifest, sandbox, ["--set", "load.duplicates=allow", "--concurrency", "4"])
    #expect(result.code == 3, "\(result.errors)")
    #expect(result.outcomes == ["accepted": 1, "rejected": 1], "\(result.output)")
    #expect(result.rows.contains { $0["code"]?.string == "conflicting_row" })
    #expect(try sandbox.requests().count == Self.rows + 1)
  }

  @Test func aDuplicateOfABadRowIsNotSentEither() async throws {
    let sandbox = try await accepted()
    var twins = [cells(7), cells(8)]
    twins[0]["dob"] = "19831317"
    twins[1]["email"] = twins[0]["email"]
    folder.write("scan-8.jpg", TinyScan.bytes)
    let result = try await run(folder.write("twins.csv", csv(twins)), sandbox)
    #expect(result.outcomes == ["rejected": 2], "\(result.output)")
    #expect(try sandbox.requests().count == Self.rows)
  }

  @Test func aRehearsalCountsWhatTheLedgerKnowsAndWritesNothing() async throws {
    let sandbox = try await accepted()
    var rows = table + [cells(7)]
    folder.write("scan-7.jpg", TinyScan.bytes)
    rows[1]["addr"] = "elsewhere"
    let manifest = folder.write("next.csv", csv(rows))
    let before = folder.files().filter { $0.contains("/state/") }
      .map { ($0, (try? Descriptor.open($0).wholeFile(atMost: 1 << 20)) ?? []) }
    let dry = try await run(manifest, sandbox, ["--dry-run"])
    #expect(dry.code == 3, "\(dry.errors)")
    #expect(dry.outcomes == ["skipped": 4, "ready": 1])
    #expect(dry.errors.contains("5 rows: 1 ready, 3 skipped, 1 changed"), "\(dry.errors)")
    let newFirst = folder.write("new.csv", csv([cells(7)] + table))
    let limited = try await run(newFirst, sandbox, ["--dry-run", "--limit", "1"])
    #expect(limited.outcomes["ready"] == 1 && limited.rows.count < 5, "\(limited.output)")
    let check = try await program.run(
      "check", manifest, "--to", "dcams", "--endpoint", sandbox.endpoint, "--against-ledger")
    #expect(check.outcomes == ["skipped": 4, "ready": 1], "\(check.errors)")
    let plain = try await program.run("check", manifest)
    #expect(plain.outcomes == ["ready": 5], "\(plain.errors)")
    let after = folder.files().filter { $0.contains("/state/") }
      .map { ($0, (try? Descriptor.open($0).wholeFile(atMost: 1 << 20)) ?? []) }
    #expect(before.map(\.0).sorted() == after.map(\.0).sorted())
    #expect(Dictionary(uniqueKeysWithValues: before) == Dictionary(uniqueKeysWithValues: after))
  }

  @Test func aRehearsalLooksAtSelectionsAndDoubts() async throws {
    for number in 0..<Self.rows { folder.write("scan-\(number).jpg", TinyScan.bytes) }
    folder.write("keys.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let sandbox = try await SandboxProcess(
      folder,
      faults: ["400@email=canary-1?example.com", "drop-after-accept@email=canary-2?example.com"])
    let manifest = folder.write("batch.csv", csv(table))
    let hold = ["--ambiguous", "hold", "--concurrency", "1"]
    let first = try await run(manifest, sandbox, hold + ["--limit", "3"])
    #expect(first.outcomes == ["accepted": 1, "rejected": 1, "in_doubt": 1], "\(first.errors)")
    let sent = try sandbox.requests().count
    let rehearsals: [([String], [String: Int])] = [
      ([], ["skipped": 1, "ready": 2, "in_doubt": 1]),
      (["--only", "failed"], ["ready": 1]), (["--only", "in-doubt"], ["in_doubt": 1]),
      (["--limit", "1"], ["skipped": 1, "ready": 1]),
    ]
    for (more, outcomes) in rehearsals {
      let dry = try await run(manifest, sandbox, ["--dry-run"] + more)
      #expect(dry.outcomes == outcomes, "\(more): \(dry.output) \(dry.errors)")
      #expect(dry.code == (outcomes["in_doubt"] == nil ? 0 : 5), "\(more): \(dry.errors)")
    }
    // Whoever is known by the whole ledger is known to its parts as well.
    let ledger = try #require(folder.files().first { $0.hasSuffix(".ledger.jsonl") })
    var parts: [String: Int] = [:]
    for part in ["1/2", "2/2"] {
      let dry = try await run(
        manifest, sandbox, ["--dry-run", "--shard", part, "--history", ledger])
      parts.merge(dry.outcomes) { $0 + $1 }
    }
    #expect(parts["skipped"] == 1 && parts.values.reduce(0, +) == Self.rows, "\(parts)")
    #expect(try sandbox.requests().count == sent)
  }

  @Test func aRehearsalWithoutALedgerMakesNone() async throws {
    folder.write("scan-1.jpg", TinyScan.bytes)
    let manifest = folder.write("new.csv", csv([cells(1)]))
    let result = try await program.run(
      "run", manifest, "--to", "dcams", "--endpoint", "http://127.0.0.1:9/x", "--dry-run")
    #expect(result.code == 0 && result.outcomes == ["ready": 1], "\(result.errors)")
    #expect(!folder.files().contains { $0.contains("/state/") })
  }
}
