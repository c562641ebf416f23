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
@Suite(.timeLimit(.minutes(20)))
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

  /// What is in memory must not end up in a file when the program crashes.
  @Test func theProgramLeavesNoCoreFile() async throws {
    let folder = TemporaryFolder()
    let pipe = folder.path + "/rows"
    #expect(mkfifo(pipe, 0o600) == 0)
    // Opened for both, so that neither side waits for the other.
    let end = open(pipe, O_RDWR)
    defer { close(end) }
    let running = try Program(folder: folder).start(["check", "-"], input: pipe)
    let row = #"{"id":"R-1","email":"c@example.com","fn":"A","ln":"B","addr":"C","dob":"19830417"}"#
    #expect(RawDescriptor.write(Array((row + "\n").utf8), to: end))
    try await running.waitFor("\"R-1\"")
    var room = [UInt8](repeating: 0, count: 8_192)
    let count = try room.withUnsafeMutableBytes {
      try Descriptor.open("/proc/\(running.process)/limits").read(into: $0)
    }
    let lines = String(decoding: room.prefix(count), as: UTF8.self).split(separator: "\n")
    let core = try #require(lines.first { $0.hasPrefix("Max core file size") })
    #expect(core.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"])
  }

  /// Started all the same, the program would have written to our own standard output.
  @Test func aProgramWithoutAnOutputIsNotStarted() {
    let launch = ProgramLaunch(["/bin/true"], environment: [])
    let none = Descriptor(owning: -1)
    for (output, errors) in [(none, nil), (nil, none)] {
      #expect(throws: SystemCallFailure("start a process", code: EBADF)) {
        try launch.start(output: output, errors: errors)
      }
    }
  }
}

struct ChecksumTests {
  /// The check value of the catalogue of CRCs, zlib's of other lengths, and RFC 3720's blocks with this polynomial.
  @Test func crcsAreThoseOfTheirCatalogue() {
    func crc(_ text: String) -> UInt32 { Checksums.crc32(Array(text.utf8)) }
    #expect(Checksums.crc32([]) == 0)
    #expect(crc("123456789") == 0xCBF4_3926)
    #expect(crc("The quick brown fox jumps over the lazy dog") == 0x414F_A339)
    #expect(Checksums.crc32([UInt8](repeating: 0, count: 32)) == 0x190A_55AD)
    #expect(Checksums.crc32([UInt8](repeating: 0xFF, count: 32)) == 0xFF6C_AB0B)
    #expect(Checksums.crc32(Array(0..<32)) == 0x9126_7E8A)
  }

  @Test func aCRCContinues() {
    let whole = (0..<200).map { UInt8(truncatingIfNeeded: $0 * $0) }
    for cut in whole.indices {
      let first = Checksums.crc32(whole.span.extracting(0..<cut))
      let second = Checksums.crc32(whole.span.extracting(cut..<whole.count), after: first)
      #expect(second == Checksums.crc32(whole))
      #expect(Checksums.crc32([UInt8]().span, after: first) == first)
    }
  }
}
