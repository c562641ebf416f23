import IntakeCore
import TestSupport
import Testing

@testable import IntakeSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Paths and programs that the system must not be given by halves.
@Suite(.timeLimit(.minutes(5)))
struct SystemCallTests {
  private let folder = TemporaryFolder()

  /// A kernel without `openat2` has the path walked by hand; cut to 255 bytes the name is that of another file.
  @Test(arguments: [nil, 437])
  func aNameThatIsTooLongOpensNoOtherFile(call: Int?) async throws {
    let short = String(repeating: "n", count: 255)
    let long = short + "-of-somebody-else.jpg"
    folder.write(short, TinyScan.bytes)
    let manifest = folder.write(
      "batch.csv",
      "id,email,fn,ln,addr,dob,front\n1,a@example.com,A,B,1 Main,19800101,\(long)\n"
        + "2,b@example.com,A,B,1 Main,19800101,\(short)\n")
    var program = Program(folder: folder)
    program.environment = try RefusedCalls(in: folder).environment(call: call)
    let result = try await program.run("check", manifest)
    #expect(result.code == 3, "\(result.errors)")
    #expect(result.row("1")?["code"]?.string == "file_unreadable")
    #expect(result.row("1")?["file"]?.string == long)
    #expect(result.row("1")?["detail"]?.string?.contains("File name too long") == true)
    #expect(result.row("2")?["outcome"]?.string == "ready")
  }

  /// Started all the same, the program would have written to our own standard output.
  @Test func aProgramWithoutAnOutputIsNotStarted() {
    let launch = ProgramLaunch(["/bin/true"], environment: [])
    for (output, errors) in [(Int32(-1), Int32(2)), (1, -1)] {
      errno = 0
      #expect(launch.start(output: output, errors: errors) == nil)
      #expect(errno == EBADF)
    }
  }
}
