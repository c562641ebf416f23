import IntakeCore
import IntakeSystem
import Synchronization
import TestSupport
import Testing

@testable import IntakeCommand

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The command as a library, with stages of somebody else's.
@Suite(.timeLimit(.minutes(20)))
struct ForeignStageTests {
  private let folder = TemporaryFolder()

  /// Reading credentials waits up to 10 s for a pipe or a command: on the cooperative pool it would stop every task.
  @Test func whatWaitsForOneRequestRunsWhereItMayBlock() async throws {
    let registry = StageRegistry.builtin.adding(Witness.self)
    let stages = ["load", "decode", "shrink", "base64", "dcams", "witness", "record"]
    let plan = stages.map { #"{"stage":"\#($0)"}"# }.joined(separator: ",")
    let path = folder.write("plan.json", #"{"stages":[\#(plan)]}"#)
    let spec = try #require(CustomerCommands.all(registry).first { $0.name == "customer status" })
    let arguments = try Arguments(["--to", path], for: spec)
    let vendor = try #require(registry.vendors.first)
    let submission = try #require(vendor.commands.first).request(["email": "ann@example.com"])
    _ = try await OneRequest(arguments, registry, answeredBy: [vendor]).ask(submission)
    let places = Witness.places.withLock { $0 }
    #expect(places == ["prepare: its own thread", "ask: its own thread", "finish: its own thread"])
  }

  /// The text of an error that the program doesn't know may hold anything, a name or a path: its type has to do.
  @Test func anErrorOfAnotherKindIsShownByItsType() async throws {
    let manifest = Program.samples + "/noah.csv"
    let result = await #expect(
      processExitsWith: .exitCode(3), observing: [\.standardErrorContent]
    ) { [manifest = manifest as String] in
      // This process would not decode if it were started once more.
      let code = await IntakeCommand.run(
        [
          "check", manifest, "--to", "noah", "--insert", "after:load", "careless", "--isolation",
          "off",
        ],
        registry: .builtin.adding(Careless.self), signals: SignalHub(), results: ResultWriter())
      exit(code.rawValue)
    }
    let errors = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    let line = errors.split(separator: "\n").first { $0.contains("line 2 (N-2001)") }
    #expect(line?.contains("CarelessError") == true, "\(errors)")
    #expect(!errors.contains("Lena") && !errors.contains("Whitcombe"), "\(errors)")
  }
}

/// Answers every question, and notes where each of its parts ran.
private struct Witness: Submitter {
  static let name = "witness"
  static let summary = "note where it runs"
  static let example = #"{"stage":"witness"}"#
  static let places = Mutex<[String]>([])

  init(options: NoOptions) {}

  func prepare() async { Witness.note("prepare") }

  func run(_ input: consuming Submission, in context: StageContext) async -> Receipt {
    Receipt(.accepted)
  }

  func ask(_ inquiry: Submission, in context: StageContext) async -> HTTPResponse {
    Witness.note("ask")
    return HTTPResponse(status: 200, headers: [], body: Array(#"{"result":"Success"}"#.utf8))
  }

  func finish() async { Witness.note("finish") }

  private static func note(_ part: String) {
    let isApart = withUnsafeCurrentTask { $0?.unownedTaskExecutor != nil }
    places.withLock { $0.append("\(part): \(isApart ? "its own thread" : "the cooperative pool")") }
  }
}

/// Throws an error whose text holds a name.
private struct Careless: RecordStage {
  static let name = "careless"
  static let summary = "throw an error that says too much"
  static let example = #"{"stage":"careless"}"#

  init(options: NoOptions) {}

  func run(_ record: consuming IntakeRecord, in context: StageContext) throws -> IntakeRecord {
    throw CarelessError(description: "cannot work on \(record.fields[.fn]?.exposed ?? "")")
  }
}

private struct CarelessError: Error, CustomStringConvertible { let description: String }
