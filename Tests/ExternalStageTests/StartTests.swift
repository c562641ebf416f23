import Glibc
import IntakeCore
import IntakeTesting
import Testing

@testable import ExternalStage

/// What is wrong with the program itself ends the run before anything is read.
@Suite(.timeLimit(.minutes(20))) struct StartTests {
  private func refusal(_ script: Script, _ options: [String: OptionValue] = [:]) async throws
    -> StageFailure?
  {
    var options = options
    if options["start-timeout"] == nil { options["start-timeout"] = .number(300) }
    let bench = try Bench<ImageItem>(script, options)
    return await #expect(throws: StageFailure.self) { try await bench.stage.prepare() }
  }

  @Test(arguments: [
    (#"{"intake":2,"kind":"ready","name":"t","accepts":["image"]}"#, "another version"),
    (#"{"kind":"ready","name":"t","accepts":["image"]}"#, "another version"),
    (
      #"{"intake":1,"kind":"ready","name":"t","accepts":["prepared"]}"#,
      #"without "image" in "accepts" (it accepts: prepared)"#
    ),
    (#"{"intake":1,"kind":"ready","name":"t"}"#, "without \"image\""),
    ("loading the model…", "a line that isn't JSON"),
    (#"{"kind":"pass","id":"1"}"#, "a message other than \"ready\" first"),
    ("7", "a message without a \"kind\""),
  ])
  func anotherGreetingIsRefused(ready: String, expected: String) async throws {
    let script = try Script(python: "pass", ready: ready)
    let failure = try await refusal(script)
    #expect(failure?.outcome == .fatal)
    #expect(failure?.detail.contains(expected) == true, "\(String(describing: failure))")
    #expect(failure?.hint.isEmpty == false)
    #expect(script.left == [])
  }

  /// Later versions of the protocol may say more before they are ready, bytes included.
  @Test func kindsThatNobodyKnowsAreIgnoredBeforeReady() async throws {
    let script = try Script(
      python: "answer('pass')",
      start: """
        send('{"kind":"x-progress","percent":10}'); send('{"kind":"x-icon","icon":{"bytes":3}}', b"abc")
        """)
    let bench = try Bench<ImageItem>(script)
    try await bench.stage.prepare()
    let image = try SampleImage.document(SampleImage.png())
    #expect(try bench.run(image).file == image.file)
    await bench.stage.finish()
  }

  @Test(arguments: [
    ("#!/no/such/interpreter\n", 0o755, "the interpreter that its first line names is missing"),
    ("no interpreter line\n", 0o755, "neither a script with a #! line"),
    ("#!/bin/sh\n", 0o644, "not executable"),
    ("#!/bin/sh\n", 0o757, "others may write to it"),
    ("#!/bin/sh\nexit 7\n", 0o755, "ended with exit code 7 before it was ready"),
    (
      "#!/bin/sh\necho cannot find the model >&2\nexit 1\n", 0o755,
      "exit code 1 before it was ready: cannot find the model"
    ),
    ("#!/bin/sh\nkill -9 $$\n", 0o755, "ended by signal 9"),
  ])
  func aFileThatCannotWorkIsRefused(text: String, mode: mode_t, expected: String) async throws {
    let failure = try await refusal(Script(text, mode: mode))
    #expect(failure?.outcome == .fatal)
    #expect(failure?.detail.contains(expected) == true, "\(String(describing: failure))")
  }

  @Test func aProgramThatNeverGetsReadyIsRefused() async throws {
    let script = try Script("#!/bin/sh\nexec sleep 60\n")
    let failure = try await refusal(script, ["start-timeout": .number(0.3)])
    #expect(failure?.detail.hasSuffix("did not get ready within 0.3 s") == true)
  }

  @Test func aMissingFileIsRefused() async throws {
    let failure = try await refusal(
      Script("#!/bin/sh\n"), ["program": .list(["/no/such/program"])])
    #expect(failure?.detail == "/no/such/program: there is no such file")
  }

  @Test func anotherFileThanTheOneThatWasPinnedIsRefused() async throws {
    let script = try Script(python: "answer('pass')")
    let failure = try await refusal(
      script, ["sha256": .text(String(repeating: "0", count: 64))])
    #expect(failure?.detail.contains("is not the file that the plan names") == true)
    let actual = String(failure?.detail.suffix(64) ?? "")
    let bench = try Bench<ImageItem>(script, ["sha256": .text(actual.uppercased())])
    try await bench.stage.prepare()
    await bench.stage.finish()
  }

  @Test func aFileThatIsChangedDuringTheRunIsNotStartedAgain() async throws {
    let script = try Script(python: "sys.exit(0)")
    let bench = try Bench<ImageItem>(script)
    let image = try SampleImage.document(SampleImage.jpeg())
    try await bench.stage.prepare()
    chmod(script.path, 0o777)
    #expect(bench.failure(image)?.detail.contains("ended before") == true)
    #expect(bench.failure(image)?.detail.contains("others may write to it") == true)
    await bench.stage.finish()
  }

  @Test func aFolderThatOthersMayWriteToIsRefused() async throws {
    let script = try Script("#!/bin/sh\n")
    chmod(script.folder, 0o777)
    let failure = try await refusal(script)
    #expect(failure?.detail.contains("others may write to a folder above it") == true)
  }

  @Test(arguments: [
    (["program": OptionValue.list(["blur.py"])], "PATH is not searched"),
    ([:], "needs a program"),
    (["program": .list(["./a"]), "sha256": .text("abc")], "64 hexadecimal digits"),
    (["program": .list(["./a"]), "accepts": .text("record")], "image | prepared | submission"),
  ])
  func optionsThatCannotWorkAreRefused(values: [String: OptionValue], expected: String) {
    let error = #expect(throws: OptionError.self) {
      try ExternalStage<ImageItem>(given: values)
    }
    #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
  }

  @Test func aProgramGetsAnOrdinarySurrounding() async throws {
    setenv("INTAKE_TEST_SECRET", "hush", 1)
    let image = try SampleImage.document(SampleImage.jpeg())
    let script = try Script(
      python: """
        status = dict(l.split(":", 1) for l in open("/proc/self/status"))
        masks = [int(status[k], 16) & 0x7fffffff for k in ("SigBlk", "SigIgn")]
        fds = sorted(f for f in os.listdir("/proc/self/fd") if int(f) < 3 or os.path.exists("/proc/self/fd/" + f))
        own = os.getpid()  # above bit 30: glibc's own signals, which posix_spawn ignores on purpose
        answer("reject", code="x", detail=json.dumps([sorted(os.environ), masks, fds,
          os.getsid(0) == own, os.getpgid(0) == own]))
        """,
      start:
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL); signal.signal(signal.SIGXFSZ, signal.SIG_DFL)"
    )
    let bench = try Bench<ImageItem>(script)
    try await bench.stage.prepare()
    let detail = bench.failure(image)?.detail ?? ""
    #expect(detail.contains("\"DOCINTAKE_PROTOCOL\""))
    #expect(!detail.contains("INTAKE_TEST_SECRET"))
    #expect(detail.hasSuffix(#"[0, 0], ["0", "1", "2"], true, true]"#), "\(detail)")
    await bench.stage.finish()
  }
}
