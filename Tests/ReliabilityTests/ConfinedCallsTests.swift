import IntakeSystem
import TestSupport
import Testing

/// Which system calls decoding makes: a new libjpeg or glibc that needs another one is found here, by its name.
@Suite(
  .timeLimit(.minutes(20)),
  .enabled(if: Strace.isAvailable, "strace is missing, or may not trace here: install it"))
struct ConfinedCallsTests {
  private let folder = TemporaryFolder()

  @Test func `decoders make no system call that is not on their list`() throws {
    let log = folder.path + "/calls"
    var program = Program(folder: folder)
    program.wrapper = [Strace.path, "-f", "-qq", "-s", "64", "-o", log]
    let result = try program.run(
      "check", Program.samples + "/customers.csv", "--workers", "2", "--isolation", "required")
    #expect(result.code == 0, "\(result.errors)")
    let calls = try calls(ofDecodersIn: log)
    #expect(calls.isSuperset(of: ["read", "write"]), "decoders were not traced")
    #expect(calls.subtracting(Confinement.calls) == [], "put these on the list, or find out why")
  }

  /// The names of the calls that decoders made after they had taken their filter.
  private func calls(ofDecodersIn log: String) throws -> Set<String> {
    let bytes = try Descriptor.open(log).wholeFile(atMost: 1 << 30)
    var decoders: Set<Substring> = []
    var confined: Set<Substring> = []
    var calls: Set<String> = []
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let (process, event) = (line.prefix { $0 != " " }, line.drop { $0 != " " }.drop { $0 == " " })
      if event.hasPrefix("execve("), event.contains("decoder-process") { decoders.insert(process) }
      guard decoders.contains(process) else { continue }
      if event.hasPrefix("seccomp(SECCOMP_SET_MODE_FILTER") {
        confined.insert(process)
      } else if confined.contains(process) {
        let call = event.trimmingPrefix("<... ")
        let name = call.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        // The end of the call that took the filter, and lines about signals and ends, are no calls. strace gives
        // question marks for a call that SIGKILL came before it could read.
        let isCall = name != "seccomp" && !["+++", "---", "???"].contains(where: call.hasPrefix)
        if isCall { calls.insert(name.isEmpty ? String(event) : String(name)) }
      }
    }
    return calls
  }
}
