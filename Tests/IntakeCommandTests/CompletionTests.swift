import IntakeCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What shells offer, asked from the shell itself.
@Suite(.timeLimit(.minutes(5)))
struct CompletionTests {
  private static func has(_ shell: String) -> Bool {
    ["/usr/bin/", "/bin/"].contains { access($0 + shell, X_OK) == 0 }
  }

  private let folder = TemporaryFolder()

  private func script(_ shell: String) async throws -> String {
    let result = try await Program(folder: folder).run("completion", shell)
    #expect(result.code == 0)
    return folder.write("completion.\(shell)", result.output)
  }

  private func run(_ shell: String, _ command: String) async throws -> Program.Result {
    var program = Program(folder: folder)
    program.executable = "/bin/" + shell
    return try await program.run("-c", command)
  }

  @Test(
    .enabled(if: has("bash"), "bash is not there"),
    arguments: [
      ("docintake ru", "run"), ("docintake help chec", "check"), ("docintake stages sh", "show"),
      ("docintake run a.csv --to noah-", "noah-sandbox"),
      ("docintake run a.csv --to = noah-", "noah-sandbox"),
      ("docintake stages show shr", "shrink"), ("docintake run a.csv --without shr", "shrink"),
      ("docintake run a.csv --set shrink.max-", "shrink.max-"), ("docintake run --shard a", "auto"),
      ("docintake run a.csv --only in", "in-doubt"), ("docintake ledger show --outc", "--outcome"),
      ("docintake completion f", "fish"),
    ])
  func bashOffersWhatFits(line: String, expected: String) async throws {
    let words = line.split(separator: " ")
    let result = try await run(
      "bash",
      ". \(await script("bash")); COMP_WORDS=(\(line)); COMP_CWORD=\(words.count - 1); _docintake; "
        + "printf '%s\\n' \"${COMPREPLY[@]}\"")
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    let offered = result.output.split(separator: "\n").map(String.init)
    #expect(!offered.isEmpty && offered.allSatisfy { $0.hasPrefix(expected) }, "\(offered)")
  }

  @Test(.enabled(if: has("zsh"), "zsh is not there"))
  func zshTakesItsScript() async throws {
    let result = try await run(
      "zsh", "autoload -U compinit && compinit -u; . \(await script("zsh"))")
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
  }

  @Test(.enabled(if: has("fish"), "fish is not there"))
  func fishTakesItsScript() async throws {
    let result = try await run(
      "fish", "source \(await script("fish")); complete -C 'docintake run --to noah'")
    #expect(result.output.contains("noah-sandbox"), "\(result.errors)")
  }
}
