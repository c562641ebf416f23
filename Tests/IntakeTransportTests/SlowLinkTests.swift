import IntakeCore
import IntakeSystem
import TestSupport
import Testing

/// A link of 120 kbit/s, as the kernel itself makes one: what an attempt leaves behind when its time is up.
@Suite(
  .enabled(if: SlowLink.isAvailable, "no network namespace with tc here: it takes root"),
  .timeLimit(.minutes(20)))
struct SlowLinkTests {
  private let folder = TestSupport.TemporaryFolder()

  /// Of 87 s that 1.3 MB take, the attempt gets 3.
  ///
  /// The kernel holds more than 100 KB then, which it would deliver in the 9 s after that; whoever asks meanwhile hears
  /// of no such customer.
  @Test func nothingOfAnAttemptThatTimedOutArrivesLater() async throws {
    let link = try SlowLink()
    let sandbox = try await SandboxProcess(folder, wrapper: link.wrapper)
    let relay = try await Relay(folder, "count", sandbox.port, wrapper: link.wrapper)
    var program = Program(folder: folder)
    program.wrapper = link.wrapper
    let keys = folder.write("keys.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let command = [
      "run", Program.samples + "/customers.csv", "--to", "dcams", "--endpoint",
      "http://127.0.0.1:\(relay.port)/v3/stable/api/storage", "--credentials", keys, "--ledger",
      folder.path + "/a.ledger", "--limit", "1", "--settle-after", "1", "--set",
      "shrink.edge=3200", "--set", "submit.timeout=3",
    ]
    try link.slowDown()
    let first = try await program.start(command + ["--ambiguous", "hold"]).wait()
    let before = relay.received
    #expect(first.code == 5, "\(first.errors)")
    #expect(first.rows.first?["code"]?.string == "no_answer", "\(first.output)")
    try await relay.waitFor("end ")
    #expect(relay.seen.last?.hasSuffix("by reset") == true, "\(relay.seen)")
    // A segment or two may have been unread when the command ended.
    #expect(relay.received - before < 16_384, "\(before), then \(relay.received)")
    #expect(relay.received < 400_000)

    try link.speedUp()
    let second = try await program.start(command).wait()
    #expect(second.code == 0 && second.outcomes == ["accepted": 1], "\(second.errors)")
    #expect(second.errors.contains("knows no such customer"), "\(second.errors)")
    #expect(second.rows.first?["bodyBytes"]?.integer ?? 0 > 1_200_000, "\(second.output)")
    #expect(second.rows.first?["type"]?.string == "createCustomer", "\(second.output)")
    let log = try await link.text(of: sandbox.address + "/sandbox/requests", in: folder)
    #expect(try ServedRequest.list(log).count(where: \.isAccepted) == 1, "\(log)")
  }
}

extension Relay {
  /// How many bytes clients have sent so far.
  fileprivate var received: Int {
    seen.compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }.max() ?? 0
  }
}

/// A network namespace with nothing in it but a loopback interface that can be slowed down; ends with this value.
final class SlowLink: Sendable {
  private let name = "docintake-\(UInt32.random(in: 0 ... .max))"

  /// What runs a program inside.
  var wrapper: [String] { [SlowLink.ip, "netns", "exec", name] }

  /// Whether there is `ip`, `tc`, and a kernel and a user that can do it.
  static let isAvailable: Bool = {
    guard let link = try? SlowLink() else { return false }
    return (try? link.slowDown()) != nil
  }()

  init() throws {
    try SlowLink.run(SlowLink.ip, "netns", "add", name)
    // Segments as on an Ethernet, not of 64 KB.
    try SlowLink.run(SlowLink.ip, "-n", name, "link", "set", "lo", "mtu", "1500", "up")
  }

  deinit { try? SlowLink.run(SlowLink.ip, "netns", "del", name) }

  /// 120 kbit/s, and 30 KB may wait before the link.
  func slowDown() throws {
    try SlowLink.run(
      SlowLink.tc, "-n", name, "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "120kbit",
      "burst", "3000", "limit", "30000")
  }

  func speedUp() throws {
    try SlowLink.run(SlowLink.tc, "-n", name, "qdisc", "del", "dev", "lo", "root")
  }

  /// What a server inside answers.
  func text(of url: String, in folder: TestSupport.TemporaryFolder) async throws -> String {
    var program = Program(folder: folder)
    program.wrapper = wrapper
    program.executable = Interpreter.python
    let script = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())"
    return try await program.run("-c", script, url).output
  }

  private static let ip = path(of: "ip")
  private static let tc = path(of: "tc")

  private static func path(of name: String) -> String {
    ["/usr/sbin/", "/sbin/", "/usr/bin/"].map { $0 + name }.first(where: DurableFile.exists) ?? name
  }

  private static func run(_ words: String...) throws {
    let launch = ProgramLaunch(words, environment: ProgramLaunch.cleanEnvironment())
    let outcome = try launch.run(outputLimit: 65_536, seconds: 20)
    guard case .success(.exited(0)) = outcome.end else {
      throw ProgramError("\(words): \(String(decoding: outcome.errors, as: UTF8.self))")
    }
  }
}
