import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Scans that follow a Noah customer, through the built command: each step once, whatever happens between them.
@Suite(.timeLimit(.minutes(20)))
struct UploadTests {
  private let folder = TemporaryFolder()
  private var program: Program { Program(folder: folder) }

  /// A manifest of one customer with scans of both sides.
  private func manifest(_ images: String = "images/small-front.jpg,images/small-back.jpg") -> String
  {
    folder.write(
      "noah.csv",
      """
      id,email,fn,ln,addr,city,state,zip,country,dob,id_type,id_number,id_country,front,back
      N-1,lena@example.com,Lena,Whitcombe,903 Juniper,Davis,CA,95616,US,1990-05-21,DrivingLicense,S1,US,\(images)

      """)
  }

  private func arguments(_ sandbox: SandboxProcess, uploads: Bool = true) -> [String] {
    let keys = folder.write("keys.json", #"{"apiKey":"apikey_sandbox_trial"}"#)
    return [
      "run", manifest(), "--images-root", Program.samples, "--to", "noah", "--endpoint",
      sandbox.address + "/v1", "--credentials", keys, "--ledger", folder.path + "/ledger",
    ] + (uploads ? ["--set", "noah.documents=upload"] : [])
  }

  private func run(_ sandbox: SandboxProcess, _ more: String...) async throws -> Program.Result {
    try await program.start(arguments(sandbox) + more).wait()
  }

  /// The names of the requests in the order of arrival.
  private func services(_ sandbox: SandboxProcess) throws -> [String] {
    try sandbox.requests().map(\.service)
  }

  /// Bytes of the front and the back that the sandbox holds.
  private func stored(_ sandbox: SandboxProcess) throws -> [String: Int] {
    let text = try LocalHTTP.get(sandbox.address, "/sandbox/customers")
    let images = try JSONParser.parse(Array(text.utf8)).elements?.first?["images"]
    return ["front", "back"].reduce(into: [:]) { $0[$1] = images?[$1]?["bytes"]?.integer }
  }

  private static let all = ["putCustomer", "getUploadURL", "upload", "getUploadURL", "upload"]

  @Test func bothSidesFollowTheCustomer() async throws {
    let sandbox = try await SandboxProcess(folder)
    let result = try await run(sandbox)
    #expect(result.code == 0, "\(result.errors)")
    #expect(try services(sandbox) == UploadTests.all)
    let steps = try #require(result.row("N-1")?["steps"]?.elements)
    #expect(
      steps.map { $0["step"]?.string } == ["putCustomer", "upload.front", "upload.back"])
    #expect(steps.allSatisfy { $0["outcome"]?.string == "accepted" })
    let sizes = steps.map { $0["bodyBytes"]?.integer }
    #expect(try stored(sandbox) == ["front": sizes[1], "back": sizes[2]].compactMapValues { $0 })
    let again = try await run(sandbox)
    #expect(again.outcomes == ["skipped": 1])
    #expect(try services(sandbox).count == 5)
  }

  @Test func aCheckTellsTheExactSizes() async throws {
    let sandbox = try await SandboxProcess(folder)
    let checked = try await program.run(
      "check", manifest(), "--images-root", Program.samples, "--to", "noah", "--set",
      "noah.documents=upload")
    let sent = try await run(sandbox)
    let sizes = [checked, sent].map { result in
      result.row("N-1")?["steps"]?.elements?.map { $0["bodyBytes"]?.integer ?? 0 } ?? []
    }
    #expect(sizes[0] == sizes[1])
    #expect(sizes[0].count == 3)
  }

  @Test func aDryRunShowsEveryStepAndNothingPersonal() async throws {
    let result = try await program.run(
      "run", manifest(), "--images-root", Program.samples, "--to", "noah", "--set",
      "noah.documents=upload", "--dry-run")
    let steps = result.row("N-1")?["request"]?["followUps"]?.elements ?? []
    #expect(steps.map { $0["step"]?.string } == ["upload.front", "upload.back"])
    let url = steps.first?["ask"]?["url"]?.string ?? ""
    #expect(url.hasSuffix("/onboarding/N-1/prefill/documents/upload-url?[personal]&Side=Front"))
    #expect(steps.first?["send"]?["body"]?.string?.hasPrefix("[jpeg 900×600") == true)
    #expect(!result.output.contains("DrivingLicense"))
  }

  /// The run is killed while the server holds the request of that number; the next run sends the rest.
  @Test(arguments: [1, 3, 5])
  func aKilledRunIsFinishedWithoutRepeatingWhatWasDone(held: Int) async throws {
    // The request is neither carried out nor answered.
    let sandbox = try await SandboxProcess(folder, faults: ["hang@\(held)"])
    let first = try program.start(arguments(sandbox) + ["--set", "submit.timeout=600"])
    while try services(sandbox).count < held {
      try await Task.sleep(for: .milliseconds(20))
    }
    first.signal(SIGKILL)
    #expect(try await first.wait().code == 256 + SIGKILL)
    let second = try await run(sandbox, "--ambiguous", held == 1 ? "resend" : "reconcile")
    #expect(second.code == 0, "\(second.errors)")
    let accepted = try sandbox.requests().filter { $0.isAccepted && !$0.isInquiry }.map(\.service)
    #expect(accepted == ["putCustomer", "upload", "upload"])
    #expect(
      try Array(services(sandbox).prefix(held - 1)) == Array(UploadTests.all.prefix(held - 1)))
    #expect(try stored(sandbox).count == 2)
    #expect(try await run(sandbox).outcomes == ["skipped": 1])
  }

  @Test(arguments: [
    "clock=2000@3", "403@3", "500@3", "close-after-accept@3", "429:retry-after=0@3",
  ])
  func aRefusedOrLostUploadAsksForAFreshAddress(fault: String) async throws {
    let sandbox = try await SandboxProcess(folder, faults: [fault])
    let result = try await run(sandbox)
    #expect(result.code == 0, "\(result.errors)")
    #expect(
      try services(sandbox) == [
        "putCustomer", "getUploadURL", "upload", "getUploadURL", "upload", "getUploadURL", "upload",
      ])
    #expect(try stored(sandbox).count == 2)
  }

  /// Of the second upload and its five repeats.
  private static let refusals = [5, 7, 9, 11, 13, 15].map { "403@\($0)" }

  @Test func anUploadThatStaysRefusedFailsTheRowAndIsAllThatTheNextRunSends() async throws {
    let sandbox = try await SandboxProcess(folder, faults: UploadTests.refusals)
    let first = try await run(sandbox)
    #expect(first.code == 3, "\(first.errors)")
    let row = try #require(first.row("N-1"))
    #expect(row["outcome"]?.string == "failed")
    #expect(row["code"]?.string == "upload_refused")
    #expect(row["side"]?.string == "back")
    #expect(
      row["steps"]?.elements?.map { $0["outcome"]?.string } == ["accepted", "accepted", "failed"])
    let before = try services(sandbox).count
    let second = try await run(sandbox)
    #expect(second.code == 0, "\(second.errors)")
    #expect(try Array(services(sandbox).dropFirst(before)) == ["getUploadURL", "upload"])
    #expect(
      second.row("N-1")?["steps"]?.elements?.map { $0["outcome"]?.string }
        == ["skipped", "skipped", "accepted"])
  }

  @Test func refusedCredentialsBetweenTheStepsStopTheRunAndNothingIsRepeated() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["401@2"])
    let first = try await run(sandbox)
    #expect(first.code == 4, "\(first.errors)")
    #expect(first.row("N-1")?["code"]?.string == "credentials_refused")
    #expect(try await run(sandbox).code == 0)
    #expect(try services(sandbox).count { $0 == "putCustomer" } == 1)
  }

  /// It says something about that address, nothing about the endpoint of the run.
  @Test func aRedirectOfAnUploadIsNotFollowedAndStopsNobody() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["redirect@3"])
    let result = try await run(sandbox)
    #expect(result.code == 3, "\(result.errors)")
    #expect(result.row("N-1")?["code"]?.string == "upload_refused")
    #expect(try services(sandbox) == ["putCustomer", "getUploadURL", "upload"])
  }

  @Test func changedScansAreSentWithTheirCustomer() async throws {
    let sandbox = try await SandboxProcess(folder, faults: UploadTests.refusals)
    #expect(try await run(sandbox).code == 3)
    let before = try services(sandbox).count
    let other = arguments(sandbox)
    _ = manifest("images/small-front.jpg,images/gray-back.png")
    #expect(try await program.start(other).wait().code == 0)
    #expect(try Array(services(sandbox).dropFirst(before)) == UploadTests.all)
  }

  @Test func withoutTheSettingNoImageIsSentAndThatIsSaidOnce() async throws {
    let sandbox = try await SandboxProcess(folder)
    let result = try await program.start(arguments(sandbox, uploads: false)).wait()
    #expect(result.code == 0)
    #expect(try services(sandbox) == ["putCustomer"])
    #expect(result.errors.split(separator: "images of the rows are not sent").count == 2)
    #expect(result.row("N-1")?["images"] == nil)
  }

  @Test func aScanOverTheLimitIsFoundBeforeAnythingIsSent() async throws {
    let sandbox = try await SandboxProcess(folder)
    let result = try await run(sandbox, "--set", "noah.max-document=80000")
    #expect(result.code == 3)
    #expect(result.row("N-1")?["code"]?.string == "body_too_large")
    #expect(result.row("N-1")?["side"]?.string == "back")
    #expect(try services(sandbox).isEmpty)
  }

  @Test func aRowInDoubtWhoseCustomerIsThereGoesOnWithItsScans() async throws {
    // The customer is taken twice and answered with 500.
    let sandbox = try await SandboxProcess(folder, faults: ["500:accepted@1-2"])
    let first = try await run(sandbox, "--ambiguous", "hold", "--retries", "1")
    #expect(first.code == 5, "\(first.errors)")
    let reconciled = try await run(sandbox, "--ambiguous", "hold")
    #expect(reconciled.outcomes == ["in_doubt": 1])
    let second = try await run(sandbox, "--settle-after", "0")
    #expect(second.code == 0, "\(second.errors)")
    #expect(
      try Array(services(sandbox).dropFirst(2))
        == ["getCustomer", "getUploadURL", "upload", "getUploadURL", "upload"])
    #expect(
      second.row("N-1")?["steps"]?.elements?.map { $0["outcome"]?.string }
        == ["skipped", "accepted", "accepted"])
  }

  @Test func theLedgerTellsEachStepAndHoldsNoAddress() async throws {
    let sandbox = try await SandboxProcess(folder)
    _ = try await run(sandbox)
    let ledger = String(
      decoding: try Descriptor.open(folder.path + "/ledger").wholeFile(atMost: 1 << 20),
      as: UTF8.self)
    let steps = ledger.split(separator: "\n").filter { $0.contains(#""t":"step""#) }
    #expect(steps.count == 5)
    #expect(!ledger.contains("noah-uploads"))
    #expect(try await program.run("ledger", "verify", folder.path + "/ledger").code == 0)
  }

  /// The customer is there, whatever the limit of the storage behind the address is.
  @Test func aScanThatTheStorageFindsTooLargeIsNamedWithItsLimit() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["413@3", "413@6"])
    let result = try await run(sandbox)
    #expect(result.code == 3, "\(result.errors)")
    let row = try #require(result.row("N-1"))
    #expect(row["code"]?.string == "body_too_large")
    let detail = row["detail"]?.string ?? ""
    #expect(detail.hasPrefix("the customer is there, upload.front is not: "), "\(detail)")
    #expect(detail.contains(/413 to a body of \d+ bytes, and/), "\(detail)")
    #expect(row["hint"]?.string?.contains("noah.max-document") == true, "\(row["hint"] ?? row)")
  }

  @Test func aMissingUploadAddressIsNoMissingCustomer() async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["404@2"])
    let result = try await run(sandbox)
    #expect(result.code == 3, "\(result.errors)")
    #expect(result.row("N-1")?["code"]?.string == "upload_refused")
    #expect(result.row("N-1")?["hint"]?.string?.contains("may upload documents") == true)
  }

  /// The reference of an answer is for the vendor's support, unless it is something of the row.
  @Test(arguments: [([], true), (["word=WHITCOMBE@1"], false), (["word=req-S1@1"], false)])
  func aReferenceThatRepeatsACellIsShownNowhere(faults: [String], isShown: Bool) async throws {
    let sandbox = try await SandboxProcess(folder, faults: ["400@1"] + faults)
    let result = try await run(sandbox)
    #expect(result.code == 3, "\(result.errors)")
    let detail = result.row("N-1")?["detail"]?.string ?? ""
    #expect(detail.hasPrefix("the target answered 400 (InvalidMessage)"), "\(detail)")
    #expect(detail.contains("; occurrence sandbox-") == isShown, "\(detail)")
    #expect(!(result.output + result.errors).contains(/WHITCOMBE|req-S1/))
  }
}
