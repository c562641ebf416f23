import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Files made to break their reader, through the built command: bombs, cuts at every hundredth, 2,000 mutations.
@Suite(.timeLimit(.minutes(20)))
struct HostileFilesTests {
  private static let python = "/usr/bin/python3"

  /// Runs a program from a small process: the peak that the kernel reports of a child begins with the size of its
  /// parent, and that of the tests may itself be 300 MB.
  private static let measure = """
    import resource, subprocess, sys
    code = subprocess.run(sys.argv[2:]).returncode
    open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
    sys.exit(code)
    """

  private let folder = TemporaryFolder()

  @Test(.enabled(if: access(python, X_OK) == 0, "python3 writes the files"))
  func everyHostileFileIsReadOrRefusedWithAReason() throws {
    try makeFiles(mutations: 2_000)
    let peak = folder.path + "/peak"
    var program = Program(folder: folder)
    program.wrapper = [Self.python, "-c", Self.measure, peak]
    let result = try program.run(
      "check", folder.path + "/hostile.csv", "--workers", "2", "--quiet")
    #expect(result.code == 3, "\(result.errors.suffix(500))")
    #expect(result.rows.count > 2_250)
    for row in result.rows { expectWhatItsNameSays(row) }
    let kilobytes = String(
      decoding: try Descriptor.open(peak).wholeFile(atMost: 100), as: UTF8.self)
    #expect(try #require(Int(kilobytes)) < 300 << 10)
  }

  private func expectWhatItsNameSays(_ row: JSONValue) {
    let id = row["id"]?.string ?? ""
    let expected = id.prefix { $0 != "-" }
    let outcome = row["outcome"]?.string
    let code = row["code"]?.string ?? ""
    if expected != "any" { #expect(expected == (outcome == "ready" ? "ready" : code), "\(id)") }
    if outcome != "ready" {
      #expect(outcome == "rejected" && FailureCode.named(code) != nil, "\(id)")
      #expect(code != "internal_error" && code != "stage_failed", "\(id)")
      #expect(row["detail"]?.string?.isEmpty == false && row["hint"]?.string?.isEmpty == false)
    }
  }

  private func makeFiles(mutations: Int) throws {
    let script = Program.repository + "/Tests/Fixtures/make-hostile.py"
    var process: pid_t = 0
    let arguments = [Self.python, script, folder.path, "\(mutations)"]
    var words = arguments.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = [nil]
    defer { for word in words { free(word) } }
    let code = posix_spawn(&process, Self.python, nil, nil, &words, &variables)
    guard code == 0 else { throw ProgramError("cannot start \(Self.python): error \(code)") }
    var status: Int32 = 0
    waitpid(process, &status, 0)
    guard status == 0 else { throw ProgramError("\(script) failed") }
  }
}
