import IntakeCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What shells offer, typed into the shells themselves.
@Suite(.timeLimit(.minutes(20)))
struct CompletionTests {
  private static func has(_ shell: String) -> Bool {
    ["/usr/bin/", "/bin/"].contains { access($0 + shell, X_OK) == 0 }
  }

  private let folder = TemporaryFolder()

  /// The built command and the tools of the machine, in a folder with an image, a manifest and a ledger.
  private var shell: Program {
    var program = Program(folder: folder)
    let path = Program.path.dropLast("/docintake".count)
    program.environment = ["PATH": "\(path):/usr/bin:/bin", "TERM": "xterm"]
    return program
  }

  private func script(_ shell: String) async throws -> String {
    let result = try await Program(folder: folder).run("completion", shell)
    #expect(result.code == 0)
    return folder.write("completion.\(shell)", result.output)
  }

  /// Types a line into a shell on a terminal; what stands there afterwards, and what the shell showed.
  private func type(_ text: String, into name: String) async throws -> (line: String, shown: String)
  {
    var program = shell
    program.executable = Interpreter.python
    let result = try await program.run(
      Program.repository + "/Tests/Fixtures/shell.py", name, script(name), text)
    #expect(result.code == 0, "\(result.errors)")
    let (line, shown) = result.output.halves(at: "\n") ?? (result.output, "")
    return (line, shown)
  }

  /// What one Tab makes of a line, in bash and zsh alike.
  private static let completed = [
    ("docintake ru", "docintake run "), ("docintake help chec", "docintake help check "),
    ("docintake help fau", "docintake help faults "),
    ("docintake man led", "docintake man ledger "),
    ("docintake stages sh", "docintake stages show "),
    ("docintake run a.csv --to noah-", "docintake run a.csv --to noah-sandbox "),
    ("docintake run a.csv --to=noah-", "docintake run a.csv --to=noah-sandbox "),
    ("docintake run a.csv --operation updateS", "docintake run a.csv --operation updateStatus "),
    ("docintake stages show shr", "docintake stages show shrink "),
    ("docintake run a.csv --without shr", "docintake run a.csv --without shrink "),
    ("docintake run --set shrink.edg", "docintake run --set shrink.edge="),
    ("docintake run --set gate.blur=ref", "docintake run --set gate.blur=refuse "),
    ("docintake run --set=gate.blur=ref", "docintake run --set=gate.blur=refuse "),
    ("docintake run --insert after:dec", "docintake run --insert after:decode "),
    ("docintake run --insert after:decode exter", "docintake run --insert after:decode external "),
    ("docintake run --shard a", "docintake run --shard auto "),
    ("docintake run --only in", "docintake run --only in-doubt "),
    ("docintake ledger show --outc", "docintake ledger show --outcome "),
    ("docintake completion f", "docintake completion fish "),
    (
      "docintake sandbox --switch create-status=F", "docintake sandbox --switch create-status=FAIL "
    ),
    ("docintake run /SCANS/man", "docintake run /SCANS/manifest.csv "),
    ("docintake run --credentials=/SCANS/man", "docintake run --credentials=/SCANS/manifest.csv "),
    // Only a folder fits, so the file beside it is none of the choices.
    ("docintake run --images-root /SCANS/m", "docintake run --images-root /SCANS/more/"),
    ("docintake history /SCANS/man", "docintake history /SCANS/man"),
  ]

  private func makeScans() -> String {
    let scans = folder.folder("scans")
    _ = folder.folder("scans/more")
    folder.write("scans/manifest.csv", "id\n")
    return scans
  }

  @Test(
    .enabled(if: has("bash") && has("python3"), "bash is not there"), arguments: completed)
  func bashCompletes(typed: String, expected: String) async throws {
    let scans = makeScans()
    let result = try await type(typed.replacing("/SCANS", with: scans) + "\\t", into: "bash")
    #expect(result.line == expected.replacing("/SCANS", with: scans), "\(result.shown)")
  }

  @Test(.enabled(if: has("zsh") && has("python3"), "zsh is not there"), arguments: completed)
  func zshCompletes(typed: String, expected: String) async throws {
    let scans = makeScans()
    let result = try await type(typed.replacing("/SCANS", with: scans) + "\\t", into: "zsh")
    #expect(result.line == expected.replacing("/SCANS", with: scans), "\(result.shown)")
  }

  @Test(.enabled(if: has("fish"), "fish is not there"), arguments: completed)
  func fishCompletes(typed: String, expected: String) async throws {
    let scans = makeScans()
    let line = typed.replacing("/SCANS", with: scans)
    let offered = try await fish(line).map { $0.prefix { $0 != "\t" } }
    let word = expected.replacing("/SCANS", with: scans).split(separator: " ").last ?? ""
    // Where nothing fits the line stays as it was, and there is nothing to offer.
    #expect(offered == (typed == expected ? [] : [word]), "\(offered)")
  }

  /// What fish offers for the last word of a line, a line for each word with its description.
  private func fish(_ line: String) async throws -> [String] {
    var program = shell
    program.executable = "/usr/bin/fish"
    let result = try await program.run(
      "--no-config", "-c", "source \(await script("fish")); complete -C '\(line)'")
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    return result.output.split(separator: "\n").map(String.init)
  }

  @Test(
    .enabled(if: has("bash") && has("zsh") && has("python3"), "bash or zsh is not there"),
    arguments: ["bash", "zsh"])
  func aListTellsWhatEachWordMeans(shell: String) async throws {
    let shown = try await type("docintake stages \\t\\t", into: shell).shown
    #expect(shown.contains("check "), "\(shown)")
    #expect(shown.contains("list the stages that a plan can name"), "\(shown)")
  }

  @Test(.enabled(if: has("fish"), "fish is not there"))
  func fishTellsWhatEachWordMeans() async throws {
    let offered = try await fish("docintake stages ")
    #expect(offered.contains("list\tlist the stages that a plan can name"), "\(offered)")
  }

  /// The program's own answer, which the three scripts pass on.
  private func offers(_ words: String...) async throws -> [String] {
    let result = try await Program(folder: folder).start(["completion", "bash", "--"] + words)
      .wait()
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    return result.output.split(separator: "\n").map { String($0.prefix { $0 != "\t" }) }
  }

  @Test func theLedgersThatThereAreAreOffered() async throws {
    let run = try await Program(folder: folder).run(
      "run", Program.samples + "/status.csv", "--to", "sandbox", "--operation", "updateStatus")
    #expect(run.code == 3, "\(run.errors)")
    let offered = try await offers("report", "")
    #expect(offered.count == 2 && offered[0].hasSuffix(".ledger.jsonl"), "\(offered)")
    #expect(offered.last == ":files")
  }

  /// Every option with choices offers exactly those, and whatever takes a file or folder says so.
  @Test func everyOptionOffersWhatItTakes() async throws {
    let program = Program(folder: folder)
    for command in [
      ["run"], ["check"], ["reconcile"], ["report"], ["ledger", "show"], ["sandbox"],
    ] {
      let page = try await program.start(command + ["--help"]).wait().output
      for line in page.split(separator: "\n") where line.contains("--") {
        let usage = line.split(separator: " ").drop { !$0.hasPrefix("--") }
        guard line.hasPrefix("  "), let option = usage.first, usage.count > 1 else { continue }
        let value = usage[usage.index(after: usage.startIndex)]
        let result = try await program.start(
          ["completion", "fish", "--"] + command + [String(option), ""]
        ).wait().output
        if value.hasPrefix("FILE") || value == "PATH" || value == "MANIFEST" {
          #expect(result.hasSuffix(":files\n"), "\(command) \(option)")
        } else if value == "DIR" {
          #expect(result == ":folders\n", "\(command) \(option)")
        } else if value.allSatisfy({ $0.isLowercase || "|-".contains($0) }), value.contains("|") {
          let offered = result.split(separator: "\n").map { $0.prefix { $0 != "\t" } }
          #expect(offered == value.split(separator: "|"), "\(command) \(option)")
        }
      }
    }
  }

  @Test func whatWasGivenIsNotOfferedAgain() async throws {
    let offered = try await offers(
      "run", "a.csv", "--to", "sandbox", "--set", "shrink.edge=5", "--")
    #expect(offered.contains("--set") && offered.contains("--ledger"), "\(offered)")
    #expect(!offered.contains("--to"), "\(offered)")
    #expect(try await offers("version", "") == ["--json", "--help"])
    #expect(try await offers("rnu", "").isEmpty)
  }
}
