import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// The main job on the samples, as the README shows it.
@Suite(.timeLimit(.minutes(20)))
struct SamplesTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  private func run(_ manifest: String, _ more: String...) throws -> Program.Result {
    try program.start(["run", Program.samples + "/" + manifest, "--to", "sandbox"] + more).wait()
  }

  @Test func sixCustomersGoThroughWithSizesBeforeAndAfter() throws {
    let result = try run("customers.csv", "--verbose")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.outcomes == ["accepted": 6])
    for row in result.rows {
      #expect(row["type"]?.string == "createCustomer")
      #expect(row["status"]?.string == "PENDING")
      let images = try #require(row["images"]?.fields)
      for image in images.map(\.value) {
        let sent = try #require(image["sent"])
        #expect((sent["bytes"]?.integer ?? .max) <= 500_000)
        #expect(max(sent["width"]?.integer ?? .max, sent["height"]?.integer ?? .max) <= 2048)
        #expect((image["source"]?["bytes"]?.integer ?? 0) > 0)
      }
    }
    #expect(result.errors.contains("→"))
    #expect(result.errors.contains("to look at what arrives, give --keep"))
  }

  @Test func aPhonePictureOnItsSideArrivesUpright() throws {
    let rows = try run("customers.csv").rows
    let portraits = rows.compactMap { $0["images"]?["front"] }.filter {
      $0["source"]?["width"]?.integer == 4032
    }
    let sent = try #require(portraits.first?["sent"])
    #expect((sent["height"]?.integer ?? 0) > (sent["width"]?.integer ?? 0))
  }

  @Test func theSameCommandAgainSendsNothingAndSaysSo() throws {
    _ = try run("customers.csv")
    let again = try run("customers.csv")
    #expect(again.code == 0, "\(again.errors)")
    #expect(again.outcomes == ["skipped": 6])
    #expect(again.errors.contains("nothing was left to send"))
  }

  @Test func anAddedRowIsTheOnlyOneSent() throws {
    let ledger = folder.path + "/one.ledger"
    _ = try run("customers.csv", "--ledger", ledger)
    var text = String(
      decoding: try Descriptor.open(Program.samples + "/customers.csv").wholeFile(atMost: 1 << 20),
      as: UTF8.self)
    text += "C-new,R-new,new@example.com,Ann,New,,,,,,,,images/small-front.jpg,\n"
    let manifest = folder.write("more.csv", text)
    let result = try program.run(
      "run", manifest, "--images-root", Program.samples, "--to", "sandbox", "--ledger", ledger)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.outcomes == ["skipped": 6, "accepted": 1])
    #expect(result.row("C-new")?["outcome"]?.string == "accepted")
  }

  @Test func csvAndJSONLinesAreTheSameBatch() throws {
    let ledger = folder.path + "/both.ledger"
    _ = try run("customers.csv", "--ledger", ledger)
    let result = try run("customers.jsonl", "--ledger", ledger)
    #expect(result.outcomes == ["skipped": 6], "\(result.errors)")
  }

  @Test func everyBadRowIsNamedAndTheGoodOnesGoThrough() throws {
    let result = try run("bad.csv")
    #expect(result.code == 3, "\(result.errors)")
    for id in ["good-1", "good-2", "good-3"] {
      #expect(result.row(id)?["outcome"]?.string == "accepted")
    }
    let bad = result.rows.filter { $0["outcome"]?.string != "accepted" }
    #expect(bad.count >= 13)
    for row in bad {
      #expect(row["outcome"]?.string == "rejected")
      #expect(row["row"]?.integer != nil)
      #expect(FailureCode.named(row["code"]?.string ?? "") != nil)
      #expect(row["hint"]?.string?.isEmpty == false)
      #expect(row["detail"]?.string?.isEmpty == false)
    }
  }

  @Test func checkListsTheSameWithoutSending() throws {
    let ran = try run("bad.csv")
    let checked = try program.run("check", Program.samples + "/bad.csv")
    #expect(checked.code == 3, "\(checked.errors)")
    func bad(_ result: Program.Result) -> Set<String> {
      Set(
        result.rows.filter { $0["outcome"]?.string == "rejected" }.map {
          "\($0["row"]?.integer ?? 0) \($0["code"]?.string ?? "")"
        })
    }
    #expect(bad(checked) == bad(ran))
    #expect(checked.outcomes["ready"] == ran.outcomes["accepted"])
    #expect(try program.run("check", Program.samples + "/customers.csv").code == 0)
    #expect(checked.row("bad-utf8")?["outcome"]?.string == "ready")
    let forced = try program.run(
      "check", Program.samples + "/bad.csv", "--encoding", "utf-8")
    #expect(forced.row("bad-utf8")?["outcome"]?.string == "rejected")
  }

  @Test func nothingPersonalIsInOutputMessagesOrLedger() throws {
    let result = try run("customers.csv", "--verbose")
    let text = String(
      decoding: try Descriptor.open(Program.samples + "/customers.csv").wholeFile(atMost: 1 << 20),
      as: UTF8.self)
    let rows = text.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
    var places = [result.output, result.errors]
    for file in folder.files() where file.contains("/state/") {
      let bytes = try Descriptor.open(file).wholeFile(atMost: 1 << 20)
      places.append(String(decoding: bytes, as: UTF8.self))
    }
    #expect(places.count >= 3)
    for cell in rows.flatMap({ $0[2...4] }) {
      for place in places { #expect(!place.contains(cell), "\(cell) leaked") }
    }
  }
}

/// What the documentation says is what the program does.
@Suite(.timeLimit(.minutes(20)))
struct DocumentationTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  private func text(_ name: String) throws -> String {
    let bytes = try Descriptor.open(Program.repository + "/" + name).wholeFile(atMost: 1 << 20)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func theReadmeListsTheStages() throws {
    let table = try program.run("stages", "list", "--markdown").output
    #expect(
      try text("README.md").contains(table),
      "put the output of `docintake stages list --markdown` into README.md")
  }

  @Test func theReferencePageIsTheCodes() throws {
    let page = try program.run("stages", "reference").output
    #expect(
      try text("Sources/IntakeCore/IntakeCore.docc/StageReference.md") == page,
      "put the output of `docintake stages reference` into that file")
  }

  @Test func theReadmeListsTheExitCodes() throws {
    let readme = try text("README.md")
    for code in ["0", "1", "2", "3", "4", "5", "6", "130"] { #expect(readme.contains("| \(code)")) }
  }

  @Test func theReadmeIsShort() throws {
    #expect(try text("README.md").count { $0 == "\n" } <= 150)
  }

  @Test func aDryRunShowsTheRequestWithoutSecretsImagesOrPeople() throws {
    let manifest = Program.samples + "/customers.csv"
    let result = try program.run("run", manifest, "--to", "dcams", "--dry-run", "--limit", "1")
    #expect(result.code == 0, "\(result.errors)")
    let request = try #require(result.rows.first?["request"])
    #expect(request["body"]?["pass"]?.string == "[secret]")
    #expect(request["body"]?["target"]?["email"]?.string == "[personal]")
    #expect(request["body"]?["target"]?["documents"]?["front"]?.string?.hasPrefix("[jpeg ") == true)
  }
}
