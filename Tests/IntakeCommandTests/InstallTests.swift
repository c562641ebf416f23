import IntakeCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The manual, and the program under a prefix.
@Suite(.timeLimit(.minutes(20)))
struct InstallTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }
  private var prefix: String { folder.path + "/usr" }

  private func install(_ words: String...) async throws -> Program.Result {
    try await program.start(["install", "--prefix", prefix] + words).wait()
  }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
  }

  @Test func programPagesAndCompletionsComeAndGo() async throws {
    folder.write("other", "stays")
    for _ in 1...2 {
      // The second time is an upgrade.
      let result = try await install()
      #expect(result.code == 0, "\(result.errors)")
      let written = result.output.split(separator: "\n").map(String.init)
      let files = folder.files().filter { $0.hasPrefix(prefix) }
      #expect(Set(written) == Set(files))
      #expect(mode(prefix + "/bin/docintake") == 0o755)
      let plain = files.filter { !$0.hasSuffix("/bin/docintake") }
      #expect(plain.count > 30 && plain.allSatisfy { mode($0) == 0o644 })
      #expect(mode(prefix + "/share/man/man1") == 0o755)
    }
    var installed = program
    installed.executable = prefix + "/bin/docintake"
    // The debug build finds the Swift libraries beside itself or where they were when it was built.
    #expect(try await installed.run("--version").output == program.run("--version").output)
    #expect(try await install("--remove").code == 0)
    #expect(folder.files().filter { $0.hasPrefix(prefix) } == [])
    #expect(folder.files().contains(folder.path + "/other"))
  }

  @Test func aPrefixThatCannotBeWrittenIsSaid() async throws {
    let file = folder.write("file", "")
    let result = try await program.run("install", "--prefix", file + "/usr")
    #expect(result.code == 2)
    #expect(result.errors.contains("give --prefix with a folder that is yours"), "\(result.errors)")
    #expect(try await program.run("install", "--prefix=~/.local").code == 2)
  }

  /// Both formatters' own checks, on every page.
  @Test(
    .enabled(if: Interpreter.has("which", "mandoc"), "no mandoc")
  )
  func mandocFindsNothingToSay() async throws {
    let pages = try await pages()
    var mandoc = program
    mandoc.executable = "/usr/bin/env"
    let result = try await mandoc.start(["mandoc", "-Tlint"] + pages).wait()
    // A page that is made when the program is installed has no date of its own.
    let findings = result.output.split(separator: "\n").filter { !$0.contains("missing date") }
    #expect(findings == [], "\(result.errors)")
  }

  @Test(.enabled(if: Interpreter.has("groff", "--version"), "no groff"))
  func groffFindsNothingToSay() async throws {
    var groff = program
    groff.executable = "/usr/bin/env"
    let result = try await groff.start(["groff", "-man", "-ww", "-Tutf8"] + pages()).wait()
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    // Examples name nobody: addresses are of a domain that is reserved for examples (RFC 2606).
    for address in result.output.matches(of: /[\w.+-]+@[\w-]+\.[\w.-]+/).map(\.output) {
      #expect(address.hasSuffix("@example.com"), "\(address)")
    }
    #expect(!CustomerBatch.canaries.contains { result.output.contains($0) })
    // What help tells is there, in the words of help.
    let text = result.output.split { $0.isWhitespace }.joined(separator: " ")
    #expect(text.contains("send accepted rows again"))
    #expect(text.contains("https://…"))
  }

  private func pages() async throws -> [String] {
    let written = try await install().output.split(separator: "\n").map(String.init)
    return written.filter { $0.contains("/man/") }
  }

  @Test func thereIsAPageForEachCommandAndTopic() async throws {
    let overview = try await program.run("man").output
    for words in [["run"], ["ledger", "show"], ["customer", "set-status"], ["columns"], ["plan"]] {
      let page = try await program.start(["man"] + words).wait()
      #expect(page.code == 0 && page.output.hasPrefix(".TH "))
      #expect(page.output.utf8.allSatisfy { $0 < 0x80 })
      let name = words.joined(separator: "-").replacing("-", with: "\\-")
      #expect(overview.contains("docintake\\-\(name)"), "\(words)")
    }
    let unknown = try await program.run("man", "rnu")
    #expect(unknown.code == 2 && unknown.errors.contains("did you mean \"run\"?"))
  }

  @Test(arguments: [
    ("columns", "id_expiry"), ("exit-codes", "finished, some rows are in doubt"),
    ("credentials", #"{"apiKey":"…","privateKeyFile":"…"}"#), ("plan", "\"stage\": \"shrink\""),
    ("faults", "--fault EFFECT"), ("configuration", ".docintake.json"),
  ])
  func aTopicIsExplained(topic: String, text: String) async throws {
    let result = try await program.run("help", topic)
    #expect(result.code == 0 && result.errors.isEmpty)
    #expect(result.output.contains(text), "\(result.output)")
    // Nothing is broken within a word on a terminal of 110 columns.
    #expect(result.output.split(separator: "\n").allSatisfy { $0.count <= 110 })
  }
}
