import IntakeCore
import Testing

@testable import SubmitStage

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where credentials may come from, and which files and commands are refused.
@Suite(.timeLimit(.minutes(20)))
struct CredentialsTests {
  static let plain = #"{"user":"u","pass":"canary"}"#

  static func read(_ text: String) throws(StageFailure) -> Credentials {
    try CredentialsSource.read(text)
  }

  /// Reads, expects a refusal that repeats no secret, and hands it back.
  static func refusal(_ text: String) -> StageFailure? {
    let failure = #expect(throws: StageFailure.self) { try read(text) }
    #expect(failure?.outcome == .fatal)
    #expect(failure?.description.contains("canary") == false)
    return failure
  }

  @Test(arguments: [mode_t(0o600), 0o400, 0o700])
  func aFileOfItsOwnerIsRead(_ mode: mode_t) throws {
    let folder = try TemporaryFolder.make()
    let path = try TemporaryFolder.write(
      CredentialsTests.plain + "\n", to: folder + "/c", mode: mode)
    let credentials = try CredentialsTests.read(path)
    #expect(credentials.names == ["pass", "user"])
    #expect(credentials["pass"]?.exposed == Array("canary".utf8))
  }

  @Test(arguments: [mode_t(0o644), 0o640, 0o604, 0o660, 0o602, 0o610, 0o777])
  func aFileThatOthersCanReachIsRefused(_ mode: mode_t) throws {
    let folder = try TemporaryFolder.make()
    let path = try TemporaryFolder.write(CredentialsTests.plain, to: folder + "/c", mode: mode)
    let failure = CredentialsTests.refusal(path)
    #expect(failure?.detail.contains("mode 0\(String(mode, radix: 8))") == true)
    #expect(failure?.hint == "chmod 600 the file")
  }

  /// As Kubernetes mounts a Secret: `c → ..data/c`, `..data → ..2026`.
  @Test func linksThatNobodyElseCanChangeAreFollowed() throws {
    let folder = try TemporaryFolder.make()
    #expect(mkdir(folder + "/..2026", 0o755) == 0)
    let path = try TemporaryFolder.write(
      CredentialsTests.plain, to: folder + "/..2026/c", mode: 0o400)
    #expect(symlink("..2026", folder + "/..data") == 0)
    #expect(symlink("..data/c", folder + "/c") == 0)
    #expect(try CredentialsTests.read(folder + "/c").names == ["pass", "user"])
    #expect(chmod(path, 0o444) == 0)
    #expect(CredentialsTests.refusal(folder + "/c")?.detail.contains("mode 0444") == true)
    #expect(chmod(path, 0o400) == 0 && chmod(folder, 0o1777) == 0)
    #expect(try CredentialsTests.read(folder + "/c").names == ["pass", "user"])
    #expect(chmod(folder, 0o777) == 0)
    #expect(
      CredentialsTests.refusal(folder + "/c")?.detail.contains("link that others can change")
        == true)
  }

  @Test func aLinkIntoAnOpenFolderAndOneToItselfAreRefused() throws {
    let (folder, open) = (try TemporaryFolder.make(), try TemporaryFolder.make())
    let path = try TemporaryFolder.write(CredentialsTests.plain, to: open + "/c", mode: 0o600)
    #expect(chmod(open, 0o777) == 0)
    #expect(symlink(path, folder + "/link") == 0 && symlink("self", folder + "/self") == 0)
    #expect(CredentialsTests.refusal(folder + "/link")?.hint == "chmod o-w the folder")
    #expect(CredentialsTests.refusal(folder + "/self")?.detail.contains("to itself") == true)
  }

  @Test func aFolderThatEverybodyMayWriteToIsRefused() throws {
    let folder = try TemporaryFolder.make()
    let path = try TemporaryFolder.write(CredentialsTests.plain, to: folder + "/c", mode: 0o600)
    #expect(chmod(folder, 0o777) == 0)
    #expect(CredentialsTests.refusal(path)?.hint == "chmod o-w the folder")
  }

  @Test(.enabled(if: geteuid() == 0)) func aFileOfAnotherUserIsRefused() throws {
    let folder = try TemporaryFolder.make()
    let path = try TemporaryFolder.write(CredentialsTests.plain, to: folder + "/c", mode: 0o600)
    #expect(chown(path, 65_534, 65_534) == 0)
    #expect(CredentialsTests.refusal(path)?.detail.contains("another user") == true)
  }

  @Test func aPipeInThePlaceOfAFileIsRefusedWithoutWaiting() throws {
    let folder = try TemporaryFolder.make()
    #expect(mkfifo(folder + "/c", 0o600) == 0)
    #expect(
      CredentialsTests.refusal(folder + "/c")?.detail.contains("isn't a regular file") == true)
  }

  @Test(arguments: [
    "", "\n", "canary", "[]", "{}", #"["canary"]"#, #"{"user":1}"#, #"{"user":""}"#,
    #"{"user":"canary","user":"b"}"#, #"{"user":"canary"} x"#, #"{"user":"canary\u0000"}"#,
    #"{"privateKeyFile":"missing"}"#, "{\"user\":\"canary\"}\u{0}",
  ])
  func contentThatIsNotAnObjectOfTextsIsRefused(_ text: String) throws {
    let folder = try TemporaryFolder.make()
    _ = CredentialsTests.refusal(
      try TemporaryFolder.write(text, to: folder + "/c", mode: 0o600))
  }

  @Test func aHugeFileIsRefused() throws {
    let folder = try TemporaryFolder.make()
    let text = #"{"user":""# + String(repeating: "a", count: 70_000) + #""}"#
    let path = try TemporaryFolder.write(text, to: folder + "/c", mode: 0o600)
    #expect(CredentialsTests.refusal(path)?.detail.contains("65536 bytes") == true)
  }

  @Test(arguments: ["\n", "\r\n", ""])
  func thePrivateKeyIsReadFromBesideTheFile(_ ending: String) throws {
    let folder = try TemporaryFolder.make()
    try TemporaryFolder.write("key" + ending, to: folder + "/key.pem", mode: 0o600)
    let path = try TemporaryFolder.write(
      #"{"apiKey":"a","privateKeyFile":"key.pem"}"#, to: folder + "/c", mode: 0o600)
    let credentials = try CredentialsTests.read(path)
    #expect(credentials.names == ["apiKey", "privateKey"])
    #expect(credentials["privateKey"]?.exposed == Array("key".utf8))
  }

  @Test func aPrivateKeyThatOthersCanReadIsRefused() throws {
    let folder = try TemporaryFolder.make()
    try TemporaryFolder.write("canary", to: folder + "/key.pem", mode: 0o644)
    let path = try TemporaryFolder.write(
      #"{"apiKey":"a","privateKeyFile":"key.pem"}"#, to: folder + "/c", mode: 0o600)
    #expect(CredentialsTests.refusal(path)?.detail.contains("key.pem") == true)
  }

  @Test func aDescriptorIsReadAndClosed() throws {
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    ServerConnection(number: ends[1]).send(CredentialsTests.plain)
    close(ends[1])
    let credentials = try CredentialsTests.read("fd:\(ends[0])")
    #expect(credentials["user"]?.exposed == Array("u".utf8))
  }

  @Test(arguments: [
    "fd:", "fd:x", "fd:-1", "fd:1", "fd:2", "fd:9999", "command:", "command:  ", "",
  ])
  func aMalformedSourceIsRefused(_ text: String) { _ = CredentialsTests.refusal(text) }

  @Test func aCommandIsRunInACleanEnvironment() throws {
    HostileEnvironment.enter()
    let credentials = try CredentialsTests.read(
      #"command:printf '{"user":"%s","pass":"%s"}\n' "${http_proxy:-none}" "$(ls /proc/self/fd | wc -l)""#
    )
    #expect(credentials["user"]?.exposed == Array("none".utf8))
    // 0, 1, 2 and the one that `ls` has open itself.
    #expect(credentials["pass"].map { String(decoding: $0.exposed, as: UTF8.self) } == "4")
  }

  @Test(arguments: [
    ("exit 3", "exit code 3"), ("kill -9 $$", "signal 9"), ("echo oops >&2; exit 1", ": oops"),
    ("printf '\\033[2Jx' >&2; exit 1", "\\u{1b}[2Jx"), ("true", "is empty"),
    ("head -c 200000 /dev/zero", "more than 65536 bytes"),
    ("no-such-program-here", "exit code 127"),
  ])
  func aCommandThatFailsIsRefusedInItsOwnWords(_ command: String, _ words: String) {
    let failure = CredentialsTests.refusal("command:" + command)
    #expect(failure?.detail.contains(words) == true, "\(failure?.detail ?? "")")
  }

  @Test func aGrandchildThatHoldsThePipeIsNotWaitedFor() throws {
    // Waiting for its end would end in a refusal after 10 s.
    let credentials = try CredentialsTests.read(
      #"command:sleep 600 & echo '{"user":"u"}'"#)
    #expect(credentials.names == ["user"])
  }

  @Test func aCommandThatHangsIsEnded() throws {
    let failure = #expect(throws: StageFailure.self) {
      try CredentialsSource.output(
        of: "trap '' TERM INT; while :; do sleep 1; done", seconds: 0.3)
    }
    #expect(failure?.detail.contains("was stopped after") == true)
  }
}
