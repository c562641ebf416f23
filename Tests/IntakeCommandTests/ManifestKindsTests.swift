import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Manifests as people have them, from the file to what the target was sent.
@Suite(.timeLimit(.minutes(20)))
struct ManifestKindsTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }
  private static let header = "id,email,fn,ln,addr,zip,country,dob,phone,front"

  init() { folder.write("scan.jpg", TinyScan.bytes) }

  private func row(_ number: Int, _ change: (inout [String]) -> Void = { _ in }) -> String {
    var cells = [
      "R\(number)", "canary-\(number)@example.com", "Zanzibar", "Quetzal",
      "\(number) Xylophone Way", "97301", "US",
      "1983-04-17", "5035550101", "scan.jpg",
    ]
    change(&cells)
    return cells.joined(separator: ",")
  }

  private func check(_ text: some Collection<UInt8>, _ more: String..., name: String = "export.csv")
    throws -> Program.Result
  {
    let path = folder.write(name, Array(text))
    return try program.start(["check", path, "--to", "dcams"] + more).wait()
  }

  private func hidesEverything(_ result: Program.Result) -> Bool {
    !CustomerBatch.canaries.contains { (result.output + result.errors).contains($0) }
  }

  private func text(_ path: String) -> String {
    String(decoding: (try? Descriptor.open(path).wholeFile(atMost: 1 << 20)) ?? [], as: UTF8.self)
  }

  @Test func theErrorShowsTheCommandLineThatWorks() throws {
    let human =
      "ID,E-mail,First Name,Last Name,Address,Zip Code,Country,DOB,Phone Number,Front Image,Shoe's Size\n"
    let result = try check((human + row(1) + ",38\n").utf8)
    #expect(result.code == 2 && result.output.isEmpty)
    let command = try #require(result.errors.split(separator: "\n").last.map(String.init))
    #expect(
      command.contains("--map 'First Name=fn'")
        && command.contains(#"--ignore-column 'Shoe'\''s Size'"#))
    let again = try Program.shell(command, program)
    #expect(again.code == 0, "\(again.errors)")
    let known = try program.run(
      "check", folder.path + "/export.csv", "--to", "dcams", "--map-known")
    #expect(known.code == 0, "\(known.errors)")
    #expect(known.errors.contains(#""First Name" as "fn""#))
  }

  @Test func anAmericanExportOfExcelIsReadWithOneMoreCommand() throws {
    let lines = [
      "sep=;", ManifestKindsTests.header, row(1) { $0[7] = "1/31/1983" },
      row(2) { $0[7] = "4/2/1983" },
    ]
    let text = lines.map { $0.replacing(",", with: ";") }.joined(separator: "\r\n") + "\r\n\u{1A}"
    let wide = ("\u{FEFF}" + text).utf16.flatMap { unit -> [UInt8] in
      [UInt8(truncatingIfNeeded: unit), UInt8(unit >> 8)]
    }
    let first = try check(wide)
    #expect(first.code == 3)
    #expect(
      first.errors.contains(
        "dob: all 2 dates fit MM/DD/YYYY, 1 of them not DD/MM/YYYY: give --date-format MM/DD/YYYY"))
    let second = try check(wide, "--date-format", "MM/DD/YYYY", "--fix", folder.path + "/fixed.csv")
    #expect(second.code == 0, "\(second.errors)")
    for notice in ["UTF-16", "a semicolon", "NULs or Ctrl-Z"] {
      #expect(second.errors.contains(notice))
    }
    #expect(hidesEverything(first) && hidesEverything(second))
  }

  @Test func theTargetGetsTheAddressOnOneLineAndTheDayAsItWantsIt() throws {
    let quoted = row(1) {
      $0[4] = "\"1 Xylophone Way\r\nApt  4\""; $0[7] = "17.4.1983"
    }
    folder.write("export.csv", ManifestKindsTests.header + "\n" + quoted + "\n")
    let result = try program.run(
      "run", folder.path + "/export.csv", "--to", "sandbox", "--dry-run", "--show-personal",
      "--date-format", "DD.MM.YYYY")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.contains("1 Xylophone Way, Apt 4") && result.output.contains("19830417"))
  }

  @Test func theFixedManifestRunsWithoutAnyOption() throws {
    let human =
      "Customer ID;E-mail;First Name;Last Name;Address;Zip;Country;Birthday;Phone;Front;Notes\n"
    let rows = [
      row(1) {
        $0[7] = "17.04.1983"; $0[9] = "SCAN.JPG"
      },
      row(2) {
        $0[4] = "\"2 Xylophone\nWay\""; $0[7] = "17.04.1983"
      },
      row(3) {
        $0[5] = "N/A"; $0[7] = "1983-04-17"
      },
    ].map { $0.replacing(",", with: ";") + ";\"a,b\"" }
    let fixed = folder.path + "/fixed.csv"
    let result = try check(
      (human + rows.joined(separator: "\n") + "\n").utf8, "--map-known", "--date-format",
      "DD.MM.YYYY", "--null", "N/A", "--fix", fixed)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("the manifest as it was understood: \(fixed)"))
    let lines = text(fixed).split(separator: "\n")
    #expect(
      lines[0].hasPrefix(
        "id,email,fn,ln,addr,zip,country,dob,phone,front,original:Customer ID,original:E-mail,"))
    #expect(
      lines[1].hasPrefix(
        "R1,canary-1@example.com,Zanzibar,Quetzal,1 Xylophone Way,97301,US,1983-04-17,5035550101,scan.jpg,R1,"
      ))
    #expect(lines[1].hasSuffix(#",17.04.1983,5035550101,SCAN.JPG,"a,b""#))
    #expect(lines[2].contains("\"2 Xylophone, Way\""))
    #expect(
      lines.last?.hasPrefix("R3,canary-3@example.com,Zanzibar,Quetzal,3 Xylophone Way,,US,") == true
    )
    #expect(try AppendOnlyFile.open(fixed, .reading).permissions() == 0o600)
    let again = try program.run("run", fixed, "--to", "sandbox")
    #expect(again.outcomes == ["accepted": 3], "\(again.errors)")
    #expect(!again.errors.contains("notice: column"), "\(again.errors)")
    let twice = try check("id\n1\n".utf8, "--fix", fixed)
    #expect(twice.code == 2 && twice.errors.contains("there is a file of that name already"))
  }

  @Test func whatIsRefusedStaysRefusedInTheFixedManifest() throws {
    let rows = [
      row(1), "canary-9@example.com,Zanzibar", row(2) { $0[7] = "31.31.1983" },
      row(3) { $0[5] = "'04101" },
    ]
    let fixed = folder.path + "/fixed.csv"
    let result = try check(
      (ManifestKindsTests.header + "\n" + rows.joined(separator: "\n") + "\n").utf8, "--fix", fixed)
    #expect(result.code == 3)
    #expect(text(fixed).split(separator: "\n")[2] == #""canary-9@example.com,Zanzibar""#)
    let again = try program.run("check", fixed, "--to", "dcams")
    #expect(
      Set(again.rows.compactMap { $0["code"]?.string }) == [
        "malformed_row", "invalid_value", "suspicious_value",
      ])
    #expect(again.outcomes == ["ready": 1, "rejected": 3])
  }

  @Test func aFixedManifestOfJSONHasEveryColumn() throws {
    let fixed = folder.path + "/fixed.csv"
    let json =
      #"[{"id":"1","email":"a@b.example","front":"scan.jpg"},{"id":"2","email":"b@b.example","front":"scan.jpg","id_type_2":"passport"}]"#
    #expect(try check(json.utf8, "--fix", fixed, name: "rows.json").code == 0)
    let lines = text(fixed).split(separator: "\n")
    #expect(
      lines[0].hasSuffix(",id_expiry,id_type_2") && lines[1].hasSuffix(",")
        && lines[2].hasSuffix(",passport"))
    #expect(try program.run("check", fixed, "--to", "dcams").code == 0)
  }

  @Test(arguments: [[], ["--log-format", "json"], ["--verbose"]])
  func noCellOfAShiftedRowIsShownAnywhere(options: [String]) throws {
    let rows = [
      row(1), String(row(2).drop { $0 != "," }.dropFirst()), "\"Quetzal, Zanzibar\",canary-3",
      row(4).replacing(",", with: ";"),
      row(5).replacing("5035550101", with: "\"5035550101"), row(6),
      "canary-7@example.com," + row(7).split(separator: ",").dropFirst(2).joined(separator: ",")
        + ",",
    ]
    let path = folder.write(
      "export.csv", ManifestKindsTests.header + "\n" + rows.joined(separator: "\n") + "\n")
    let result = try program.start(["check", path, "--to", "dcams"] + options).wait()
    #expect(result.code == 3)
    #expect(hidesEverything(result), "\(result.output)\n\(result.errors)")
    #expect(
      result.rows.filter { $0["code"]?.string == "malformed_row" }.allSatisfy { $0["id"] == nil })
  }

  @Test func aMissingColumnIsSaidOnce() throws {
    let rows = (1...5).map { "\($0),canary-\($0)@example.com\n" }.joined()
    let result = try check(("id,email\n" + rows).utf8)
    #expect(result.code == 2 && result.output.isEmpty)
    #expect(
      result.errors.components("\"front\"") == 1 && result.errors.contains("lacks the column"))
    // An update sends no scans and needs none.
    let update = try check(
      "email,status\ncanary-1@example.com,PASS\n".utf8, "--operation", "updateStatus")
    #expect(update.code == 0, "\(update.errors)")
  }

  /// What `sort` makes of a manifest: nobody would miss the customers above the header.
  @Test func rowsAboveTheHeaderAreNotTakenForATitle() throws {
    let sorted = [row(1), row(2), ManifestKindsTests.header, row(3)].joined(separator: "\n")
    let result = try check(sorted.utf8)
    #expect(result.code == 2 && result.output.isEmpty)
    #expect(result.errors.contains("line 1 stands above the header and looks like a row"))
    #expect(result.errors.contains("move the header to the top") && hidesEverything(result))
    let title = "My export\(String(repeating: ",", count: 9))\n\n"
    let titled = try check((title + ManifestKindsTests.header + "\n" + row(1)).utf8)
    #expect(titled.code == 0 && titled.errors.contains("2 lines above the header"))
  }

  @Test(arguments: [
    ("id,\"e\u{1B}]0;x\u{7}'s\",fn\n", #"--ignore-column $'e\033]0;x\007\'s'"#),
    ("{\"id\":\"1\",\"e\\u009b31m\":\"x\"}\n", #"--ignore-column $'e\302\23331m'"#),
    ("id,e\u{0}x,fn\n", nil),
  ])
  func noNameSteersTheTerminal(text: String, remedy: String?) throws {
    let result = try check(text.utf8)
    #expect(result.code == 2)
    #expect(!result.errors.contains { "\u{1B}\u{7}\u{9B}\u{0}".contains($0) }, "\(result.errors)")
    #expect(result.errors.contains("\n  \(Program.path) check ") == (remedy != nil))
    #expect(result.errors.contains(remedy ?? "is unknown"), "\(result.errors)")
  }

  /// One byte of Latin-1 before the first character of UTF-8.
  @Test func namesThatWereReadInTheWrongEncodingAreNotSent() throws {
    var text = Array((ManifestKindsTests.header + "\n").utf8)
    let names: [[UInt8]] =
      [[0x4A, 0x6F, 0x73, 0xE9]] + ["محمد", "דוד", "Ștefan"].map { Array($0.utf8) }
    for (number, name) in names.enumerated() {
      let parts = row(number + 1) { $0[2] = "NAME" }.utf8.split(separator: Array("NAME".utf8))
      text += Array(parts.joined(separator: name)) + [0x0A]
    }
    let result = try check(text)
    #expect(result.errors.contains("Windows-1252"))
    #expect(result.outcomes == ["ready": 1, "rejected": 3], "\(result.errors)")
    #expect(result.row("R2")?["code"]?.string == "suspicious_value")
    #expect(result.row("R2")?["hint"]?.string?.contains("--encoding utf-8") == true)
  }

  @Test func aYearIsNoDayOfASpreadsheet() throws {
    let rows = ["1970", "1985"].enumerated().map { number, year in row(number + 1) { $0[7] = year }
    }
    let text = ([ManifestKindsTests.header] + rows).joined(separator: "\n")
    for options in [[], ["--date-format", "excel"]] {
      let path = folder.write("export.csv", text)
      let result = try program.start(["check", path, "--to", "dcams"] + options).wait()
      #expect(result.outcomes == ["rejected": 2], "\(result.output)")
      #expect(!result.errors.contains("give --date-format excel"), "\(result.errors)")
    }
  }

  @Test func whatIsNearAMissingScanIsNamedUnlessPathsAreHidden() throws {
    let text = ManifestKindsTests.header + "\n" + row(1) { $0[9] = "scan.jpeg" } + "\n"
    let shown = try check(text.utf8)
    #expect(shown.rows.first?["hint"]?.string?.contains("there is scan.jpg") == true)
    #expect(shown.errors.contains("there is scan.jpg"))
    let hidden = try check(text.utf8, "--hide-paths")
    #expect(!(hidden.output + hidden.errors).contains("scan.jp"))
  }

  /// A file whose end was never written, and a device that gives the same for ever.
  @Test func nulsAreReadOnlySoFar() throws {
    let path = folder.write("rows.csv", ManifestKindsTests.header + "\n" + row(1) + "\n")
    #expect(truncate(path, 20_000_000_000) == 0)
    let file = try program.run("check", path, "--to", "dcams")
    #expect(file.code == 4 && file.rows.count == 1, "\(file.errors)")
    let device = try program.run("check", "/dev/zero", "--to", "dcams")
    #expect(device.code == 2, "\(device.errors)")
    for result in [file, device] {
      #expect(result.errors.contains("nothing but NULs"), "\(result.errors)")
      #expect(result.errors.contains("get the whole file again"))
    }
  }

  @Test func standardInputIsReadLikeAFile() throws {
    let text =
      "A title of 2026\n\n" + ManifestKindsTests.header + "\n"
      + row(1) {
        $0[2] = "Zoë"; $0[7] = "13/02/1983"
      } + "\n\u{0}"
    let latin = text.unicodeScalars.map { UInt8($0.value) }
    let input = folder.write("input", latin)
    let result = try program.start(
      ["check", "-", "--to", "dcams", "--images-root", folder.path], input: input
    ).wait()
    #expect(result.code == 3)
    for said in [
      "Windows-1252", "2 lines above", "NULs or Ctrl-Z", "give --date-format DD/MM/YYYY",
    ] {
      #expect(result.errors.contains(said), "\(result.errors)")
    }
  }

  @Test func wrongOptionsAreNamed() throws {
    let encoding = try check("id\n1\n".utf8, "--encoding", "utf-7")
    #expect(encoding.code == 2 && encoding.errors.contains("windows-1252"))
    let date = try check("id\n1\n".utf8, "--date-format", "american")
    #expect(date.code == 2 && date.errors.contains("MM/DD/YYYY"))
    let suspicious = try check("id\n1\n".utf8, "--set", "load.suspicious=ignore")
    #expect(suspicious.code == 2 && suspicious.errors.contains("refuse | warn | accept"))
  }
}

extension String {
  fileprivate func components(_ part: String) -> Int { ranges(of: part).count }
}

extension Program {
  /// Runs a command line as a shell reads it, with `docintake` for the built command.
  fileprivate static func shell(_ line: String, _ program: Program) throws -> Result {
    var shell = program
    shell.executable = "/bin/sh"
    let name = line.drop { $0 == " " }.prefix { $0 != " " }
    let rest = line.drop { $0 == " " }.dropFirst(name.count)
    return try shell.start(["-c", "'\(Program.path)'" + rest]).wait()
  }
}
