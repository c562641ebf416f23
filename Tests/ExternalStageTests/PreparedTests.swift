import IntakeCore
import IntakeTesting
import Testing

@testable import ExternalStage

/// An image that a program hands back ready to send keeps every promise of `shrink`.
@Suite(.timeLimit(.minutes(20))) struct PreparedTests {
  private let prepared: PreparedImage

  init() throws { prepared = try SampleImage.prepared(SampleImage.jpeg()) }

  private func run(_ body: String, budget: Int? = nil) async throws
    -> (result: PreparedImage?, failure: StageFailure?)
  {
    let bench = try Bench<PreparedItem>(Script(python: body))
    try await bench.stage.prepare()
    defer { Task { await bench.stage.finish() } }
    do {
      return (try bench.run(prepared, budget: budget), nil)
    } catch {
      return (nil, error as? StageFailure)
    }
  }

  @Test func anotherJPEGIsTakenWithItsOwnSizeInTheReport() async throws {
    let other = try SampleImage.jpeg(width: 64, height: 64)
    let (result, _) = try await run("result(bytes(\(other)))")
    #expect(result?.report.sent.size == PixelSize(width: 64, height: 64))
    #expect(result?.report.source == prepared.report.source)
    #expect(result?.bytes.count == result?.report.sent.bytes)
  }

  @Test func metadataThatTheProgramAddedIsDropped() async throws {
    let (result, failure) = try await run(
      #"result(data[:2] + b"\xff\xfe\x00\x0csecret-ssn" + data[2:])"#)
    #expect(failure == nil)
    #expect(result?.bytes == prepared.bytes)
  }

  @Test(arguments: [
    ("result(data[:-200])", FailureCode.damagedImage),
    ("result(bytes(\(SampleImage.png())))", .stageProtocol),
    ("result(data + bytes(20000))", .cannotFit),
    ("result(data[:len(data)//2] + bytes(300) + data[len(data)//2+300:])", .damagedImage),
  ])
  func whatCannotBeSentIsRefused(body: String, code: FailureCode) async throws {
    // Trailing bytes are dropped with the metadata, so only a real excess fails.
    let budget = code == .cannotFit ? prepared.bytes.count - 1 : nil
    let (result, failure) = try await run(body, budget: budget)
    #expect(failure?.code == code, "\(String(describing: failure)) \(result?.bytes.count ?? 0)")
  }

  @Test func theBudgetIsTold() async throws {
    let (_, failure) = try await run(
      #"answer("reject", code=str(item["image"]["max"]))"#, budget: 4711)
    #expect(failure?.detail.contains("4711") == true)
  }
}
