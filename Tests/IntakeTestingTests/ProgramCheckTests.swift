import IntakeCore
import IntakeSystem
import IntakeTesting
import Synchronization
import TestSupport
import Testing

/// Templates and samples keep the rules, and each rule finds the program that breaks it.
@Suite(.timeLimit(.minutes(20))) struct ProgramCheckTests {
  @Test(arguments: ["python", "sh"])
  func aNewProgramKeepsEveryRule(language: String) async throws {
    let report = try await ProgramFile(newProgram("my-gate", language)).check()
    #expect(report.isConforming, "\(report.text)")
    #expect(report.verdicts.count >= 14)
  }

  @Test(.enabled(if: Interpreter.has("python3", "-c", "import PIL"), "Pillow is not there"))
  func theBlurSampleKeepsEveryRule() async {
    let report = await report(on: packageFolder + "/samples/stages/blur.py")
    #expect(report.isConforming, "\(report.text)")
  }

  @Test(.enabled(if: Interpreter.has("python3", "-c", "import PIL"), "Pillow is not there"))
  func theProgramOfTheArticleKeepsEveryRule() async throws {
    let page = packageFolder + "/Sources/IntakeCore/IntakeCore.docc/ExternalStages.md"
    let file = try AppendOnlyFile.open(page, .reading)
    let text = String(decoding: try file.read(at: 0, count: 1 << 20), as: UTF8.self)
    let start = try #require(text.firstRange(of: "```python\n")).upperBound
    let end = try #require(text[start...].firstRange(of: "```")).lowerBound
    let report = try await ProgramFile(String(text[start..<end])).check()
    #expect(report.isConforming, "\(report.text)")
  }

  @Test(.enabled(if: Interpreter.has("jpegtran", "-version"), "jpegtran is not there"))
  func theJpegtranSampleKeepsEveryRule() async {
    let report = await report(on: packageFolder + "/samples/stages/jpegtran.sh")
    #expect(report.isConforming, "\(report.text)")
  }

  @Test func theStampSampleKeepsEveryRule() async {
    let report = await report(on: packageFolder + "/samples/stages/stamp.py")
    #expect(report.isConforming, "\(report.text)")
  }

  /// The template with one line changed for the worse.
  @Test(
    .serialized,
    arguments: [
      (#"{"intake": 1, "kind": "ready""#, #"{"intake": 2, "kind": "ready""#, "greeting"),
      (#""accepts": ["image"]"#, #""accepts": ["pictures"]"#, "greeting"),
      ("    def send(message", "    wire.write(b'hi\\n')\n\n    def send(message", "greeting"),
      (
        "\"id\": item[\"id\"]}, b\"\"\n        return", "\"id\": \"7\"}, b\"\"\n        return",
        "item"
      ),
      (
        "        send(*answer(item, data))",
        "        send(*answer(item, data)); send(*answer(item, data))", "once"
      ),
      ("        send(*answer(item, data))", "        send(*answer(item, data)); return", "series"),
      (
        "        send(*answer(item, data))",
        "        item['id'] = item['id'].encode('ascii', 'replace').decode(); send(*answer(item, data))",
        "identifier"
      ),
      (
        "\"pass\", \"id\": item[\"id\"]}",
        "\"result\", \"id\": item[\"id\"], \"image\": {\"bytes\": 1 << 60}}", "item"
      ),
      ("            continue", "            raise SystemExit(1)", "unknown"),
      ("        if len(data) <", "        assert data\n        if len(data) <", "empty"),
      (
        "        if len(data) <",
        "        assert data[-2:] != b'\\x0a\\x0a'\n        if len(data) <",
        "rubbish"
      ),
      (
        "        if len(data) <", "        assert len(data) < 1 << 24\n        if len(data) <",
        "huge"
      ),
      (
        "    return None\n\n\ndef main", "    import os; return data + os.urandom(2)\n\n\ndef main",
        "repeatable"
      ),
      ("    return None\n\n\ndef main", "    return data[:100]\n\n\ndef main", "item"),
      (
        "    return None\n\n\ndef main",
        """
            if data[2:4] != b"\\xff\\xe1": return None
            return data[:2] + data[4 + int.from_bytes(data[4:6], "big"):]


        def main
        """, "orientation"
      ),
      ("if __name__ == \"__main__\":\n    main()", "main()\nimport time; time.sleep(30)", "end"),
      ("if __name__ == \"__main__\":\n    main()", "main()\nsys.exit(4)", "end"),
    ])
  func aBrokenRuleIsFound(from: String, to: String, rule: String) async throws {
    let text = try await newProgram("bad", "python")
    let changed = text.replacing(from, with: to)
    #expect(changed != text)
    let report = try await ProgramFile(changed).check(patience: 2)
    let broken = report.failures.map(\.rule.name)
    #expect(broken.contains(rule), "\(report.text)")
    #expect(report.failures.allSatisfy { $0.rule.reference.contains("samples/stages/README.md") })
  }

  /// The commonest mistake: each further rule would wait as long, so none is tried.
  @Test(arguments: [
    ("wire.flush()", "pass", "greeting", "no answer within 1 s"),
    ("wire.flush()", "'accepts' in message and wire.flush()", "item", "no answer within 1 s"),
    (
      #"{"kind": "pass", "id": item["id"]}, b"""#,
      #"{"kind": "result", "id": item["id"], "image": {"bytes": 9}}, b"abc""#, "item",
      "3 of 9 bytes came within 1 s"
    ),
  ])
  func aProgramThatDoesNotFlushIsTriedNoFurther(
    from: String, to: String, rule: String, problem: String
  ) async throws {
    let text = try await newProgram("silent", "python").replacing(from, with: to)
    let report = try await ProgramFile(text).check(
      patience: 1, startPatience: rule == "greeting" ? 1 : 10)
    #expect(report.failures.map(\.rule.name) == [rule])
    #expect(report.verdicts.last?.rule.name == rule)
    #expect(
      report.text.contains("\(problem); flush standard output after each message"),
      "\(report.text)")
  }

  @Test func eachRuleIsToldAsItEnds() {
    let told = Mutex<[String]>([])
    let report = ProgramCheck(["/no/such/file"]).run { verdict in
      told.withLock { $0.append(verdict.rule.name) }
    }
    #expect(told.withLock(\.self) == ["file"] && report.verdicts.count == 1)
  }

  @Test func aProgramMaySpeakBeforeItIsReady() async throws {
    let text = try await newProgram("early", "python")
    let changed = text.replacing(
      #"    send({"intake": 1"#, with: #"    send({"kind": "x-later"}); send({"intake": 1"#)
    #expect(changed != text)
    let report = try await ProgramFile(changed).check()
    #expect(report.isConforming, "\(report.text)")
  }

  @Test func aBareNameIsRefused() {
    let report = ProgramCheck(["cat"]).run()
    #expect(report.failures.map(\.rule.name) == ["file"])
  }

  @Test func theReportIsJSON() throws {
    let report = ProgramCheck(["/no/such/file"]).run()
    let json = try JSONParser.parse(Array(report.json.text.utf8))
    #expect(json["conforming"]?.bool == false)
    #expect(json["verdicts"]?.elements?.first?["outcome"]?.string == "failed")
    #expect(report.text.contains("FAIL  file"))
  }

  /// Every section that a verdict points to is there.
  @Test func theRulesAreWrittenWhereTheVerdictsSay() async throws {
    let file = try AppendOnlyFile.open(packageFolder + "/samples/stages/README.md", .reading)
    let text = String(decoding: try file.read(at: 0, count: 1 << 20), as: UTF8.self)
    let python = try await newProgram("a", "python")
    for verdict in try await ProgramFile(python).check().verdicts {
      let section = verdict.rule.reference.split(separator: "\"").last.map(String.init) ?? "?"
      #expect(text.contains("\n## \(section)\n"), "\(verdict.rule.reference)")
    }
  }
}
