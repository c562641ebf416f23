import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Scans that take over the process that decodes them, as a batch meets them: each costs its own row.
@Suite(.timeLimit(.minutes(20)))
struct HostileScanTests {
  private let folder = TemporaryFolder()

  private var program: Program {
    var program = Program(folder: folder)
    program.executable = Program.hostilePath
    return program
  }

  /// A batch in which every third row has a scan with one of the faults.
  private func batch(_ faults: [String], rows: Int) -> CustomerBatch {
    let batch = CustomerBatch(rows: rows, in: folder)
    for fault in faults { folder.write("\(fault).jpg", TinyScan.planted(fault)) }
    batch.write { number, cells in
      if number % 3 == 1 { cells[6] = faults[number / 3 % faults.count] + ".jpg" }
    }
    return batch
  }

  private func run(_ batch: CustomerBatch, _ more: String...) throws -> Program.Result {
    try program.start(
      ["run", batch.manifest, "--to", "sandbox", "--ledger", batch.ledger] + more
    ).wait()
  }

  @Test func `a batch with hostile scans loses those rows and no other`() throws {
    let batch = batch(
      ["readPasswords", "connect", "fork", "crash", "overfill", "allocate"], rows: 18)
    let result = try run(batch, "--isolation", "required")
    #expect(result.code == 3)
    #expect(result.outcomes == ["accepted": 12, "rejected": 6])
    for row in result.rows where row["outcome"]?.string == "rejected" {
      let isMemory = row["file"]?.string == "allocate.jpg"
      #expect(row["code"]?.string == (isMemory ? "decoder_memory" : "decoder_crashed"))
      #expect(row["stage"]?.string == "shrink" && row["side"]?.string == "front")
      #expect(row["hint"]?.string?.contains("--only failed") == true)
    }
    #expect(result.errors.contains("isolation: seccomp"))
    #expect(!result.errors.contains("root:"))
  }

  @Test func `a scan that ended a decoder is left alone until it is replaced or asked for`() throws
  {
    let batch = batch(["crash"], rows: 2)
    let first = try run(batch)
    #expect(first.outcomes == ["accepted": 1, "rejected": 1])
    #expect(first.row("R-1")?["detail"]?.string?.contains("signal 11") == true)
    let again = try run(batch)
    #expect(again.code == 3)
    let row = try #require(again.row("R-1"))
    #expect(row["code"]?.string == "decoder_crashed" && row["file"]?.string == "crash.jpg")
    #expect(row["detail"]?.string?.contains("was not tried again") == true)
    let asked = try run(batch, "--only", "failed")
    #expect(asked.row("R-1")?["detail"]?.string?.contains("signal 11") == true)
    folder.write("crash.jpg", TinyScan.bytes)
    let replaced = try run(batch)
    #expect(replaced.code == 0 && replaced.row("R-1")?["outcome"]?.string == "accepted")
  }

  @Test func `decoders that die leave neither zombies nor descriptors`() async throws {
    let count = SlowTests.areWanted ? 1_000 : 60
    folder.write("crash.jpg", TinyScan.planted("crash"))
    let (pipe, end) = try fifo()
    defer { close(end) }
    let running = try program.start(
      [
        "check", "-", "--images-root", folder.path, "--workers", "2", "--progress", "none",
      ], input: pipe)
    try feed(0..<10, of: "crash.jpg", to: end)
    try await running.waitFor("\"R-9\"")
    let before = try held(by: running.process)
    try feed(10..<count, of: "crash.jpg", to: end)
    try await running.waitFor("\"R-\(count - 1)\"", seconds: 1_200)
    let after = try held(by: running.process)
    #expect(after.descriptors <= before.descriptors + 2 && after.children.count <= 2)
    running.signal(SIGTERM)
    let result = try await running.wait()
    #expect(result.outcomes["rejected"] == count)
  }

  /// A pipe to be read as a manifest, and our end of it; opened for both, so that neither side waits for the other.
  private func fifo() throws -> (path: String, end: Int32) {
    let path = folder.path + "/rows"
    guard mkfifo(path, 0o600) == 0 else { throw SystemCallFailure("make a pipe") }
    return (path, open(path, O_RDWR | O_CLOEXEC))
  }

  private func feed(_ rows: Range<Int>, of scan: String, to end: Int32) throws {
    for number in rows {
      let row =
        #"{"id":"R-\#(number)","email":"c\#(number)@example.com","fn":"A","ln":"B","addr":"C 1","#
        + #""dob":"19830417","front":"\#(scan)"}"# + "\n"
      #expect(RawDescriptor.write(Array(row.utf8), to: end))
    }
  }

  /// What the process holds: its descriptors, and its children, dead ones included.
  private func held(by process: pid_t) throws -> (descriptors: Int, children: [String]) {
    let root = try Folder("/proc/\(process)")
    let threads = root.names(in: "task", atMost: 1_000).filter { $0 != "." && $0 != ".." }
    let children = threads.flatMap { thread in
      Self.text("/proc/\(process)/task/\(thread)/children").split(separator: " ").map(String.init)
    }
    return (root.names(in: "fd", atMost: 9_999).count, children)
  }

  /// What a file of the kernel says, whose size is not known before; nothing when there is none.
  private static func text(_ path: String) -> String {
    var room = [UInt8](repeating: 0, count: 1 << 16)
    let count = room.withUnsafeMutableBytes { try? Descriptor.open(path).read(into: $0) }
    return String(decoding: room.prefix(count ?? 0), as: UTF8.self)
  }

  @Test func `a decoder at work does not outlive a program that is killed`() async throws {
    folder.write("loop.jpg", TinyScan.planted("loop"))
    let batch = CustomerBatch(rows: 1, in: folder)
    batch.write { $1[6] = "loop.jpg" }
    let running = try program.start(["check", batch.manifest, "--workers", "1"])
    var children: [String] = []
    // On this thread: one that is given away may come back after the decoder's 30 s.
    while children.isEmpty {
      children = try held(by: running.process).children
      try #require(!Self.text("/proc/\(running.process)/stat").contains(") Z "), "it has ended")
      usleep(5_000)
    }
    running.signal(SIGKILL)
    #expect(try await running.wait().code == 256 + SIGKILL)
    // The last field before the numbers is the state; whoever inherits the dead may take its time.
    for child in children {
      while case let stat = Self.text("/proc/\(child)/stat"), !stat.isEmpty, !stat.contains(") Z ")
      {
        try await Task.sleep(for: .milliseconds(5))
      }
    }
  }

  @Test func `decoders that somebody kills cost no row`() async throws {
    folder.write("turned.jpg", TinyScan.planted("none"))
    let batch = CustomerBatch(rows: 1, in: folder)
    let (pipe, end) = try fifo()
    let running = try Program(folder: folder).start(
      [
        "run", "-", "--to", "sandbox", "--ledger", batch.ledger, "--images-root", folder.path,
        "--workers", "2",
      ], input: pipe)
    var killed: Set<String> = []
    for round in 0..<20 {
      try feed(6 * round..<6 * round + 6, of: "turned.jpg", to: end)
      // Each process once, and with results in between: no picture loses all the processes that it may.
      let children = round == 0 ? [] : try held(by: running.process).children
      for child in children.prefix(1) where killed.insert(child).inserted {
        kill(pid_t(child) ?? 0, SIGKILL)
      }
      try await running.waitFor("\"R-\(6 * round + 5)\"")
    }
    close(end)
    let result = try await running.wait()
    #expect(result.code == 0 && result.outcomes == ["accepted": 120], "\(result.errors)")
    #expect(!killed.isEmpty)
  }

  @Test func `isolation that cannot be had is a warning, and an error where it is required`() throws
  {
    let batch = CustomerBatch(rows: 2, in: folder)
    var program = Program(folder: folder)
    let off = try program.run("check", batch.manifest, "--isolation", "off")
    #expect(off.code == 0 && off.errors.contains("isolation: off"))
    #if arch(x86_64)
      let seccomp = 317
    #else
      let seccomp = 277
    #endif
    program.environment = try RefusedCalls(in: folder).environment(call: seccomp)
    let auto = try program.run("check", batch.manifest)
    #expect(auto.code == 0 && auto.errors.contains("isolation: off"))
    #expect(auto.errors.contains("scans are decoded in this process: the system has no seccomp"))
    let required = try program.run("check", batch.manifest, "--isolation", "required")
    #expect(required.code == 2 && required.output.isEmpty)
    #expect(required.errors.contains("--isolation off"))
    #expect(try program.run("--version").output.contains("isolation unavailable"))
  }
}
