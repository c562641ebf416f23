import IntakeCore
import Synchronization

/// Runs items through a stage and looks at what comes out.
struct StageTrial<S: Stage> {
  let stage: S
  let inputs: [S.Input]?

  func run(_ report: inout ConformanceReport) async {
    let inputs = (try? self.inputs ?? SampleInputs.ordinary(S.Input.self)) ?? []
    guard let first = inputs.first else {
      report.add(.ordinary, .skipped("no input of type \(S.Input.self) is at hand: give some"))
      return
    }
    report.add(.ordinary, await ordinary(inputs))
    let expected = (try? await result(first)).flatMap { ComparableForm($0) }
    report.add(.sameOutput, await repeats(first, expected))
    report.add(.concurrent, await repeatsAtOnce(first, expected))
    if let side = ComparableForm.side(of: first), let expected, expected.side != nil {
      report.add(
        .side, expected.side == side ? .passed(nil) : .failed("it returned the other side"))
    }
    let (hostile, privacy) = await hostile()
    report.add(.hostile, hostile)
    report.add(.privacy, privacy)
    report.add(.cancellation, await endsWhenCancelled(first))
  }

  private func result(_ input: S.Input) async throws -> S.Output {
    let context = StageContext(
      row: RowReference(line: 2, id: "C-1"), side: ComparableForm.side(of: input),
      imageBudget: 1_000_000, time: 1_700_000_000)
    return try await stage.run(input, in: context)
  }

  /// A stage that judges may refuse a drawing; it says so with a failure of its own.
  private func ordinary(_ inputs: [S.Input]) async -> ConformanceVerdict.Outcome {
    for input in inputs {
      do {
        _ = try await result(input)
      } catch let failure as StageFailure where failure.outcome == .rejected {
        return .passed("it refuses the sample: \(failure.code)")
      } catch {
        return .failed("it threw \(StageConformance.description(of: error))")
      }
    }
    return .passed(nil)
  }

  private func repeats(_ input: S.Input, _ expected: ComparableForm?) async
    -> ConformanceVerdict.Outcome
  {
    guard let expected else { return .skipped("outputs of type \(S.Output.self) are not compared") }
    for _ in 1...2 {
      guard let other = try? await result(input), ComparableForm(other) == expected else {
        return .failed(
          "two runs returned different \(S.Output.self): no clock and no dice in a stage")
      }
    }
    return .passed(nil)
  }

  private func repeatsAtOnce(_ input: S.Input, _ expected: ComparableForm?) async
    -> ConformanceVerdict.Outcome
  {
    guard let expected else { return .skipped("outputs of type \(S.Output.self) are not compared") }
    let isSame = await withTaskGroup(of: Bool.self) { group in
      for _ in 1...8 {
        group.addTask {
          guard let output = try? await self.result(input) else { return false }
          return ComparableForm(output) == expected
        }
      }
      return await group.reduce(true) { $0 && $1 }
    }
    return isSame
      ? .passed(nil) : .failed("eight runs at once differ: state is shared between items")
  }

  private func hostile() async -> (ConformanceVerdict.Outcome, ConformanceVerdict.Outcome) {
    let inputs = (try? SampleInputs.hostile(S.Input.self)) ?? []
    guard !inputs.isEmpty else {
      let reason = ConformanceVerdict.Outcome.skipped("no hostile \(S.Input.self) is at hand")
      return (reason, reason)
    }
    var privacy = ConformanceVerdict.Outcome.passed(nil)
    for input in inputs {
      do {
        _ = try await result(input)
      } catch let failure as StageFailure {
        if "\(failure)".contains(SampleInputs.canary) {
          privacy = .failed("a failure repeats a file name or a cell; name the side or the column")
        }
        switch failure.outcome {
        case .accepted, .inDoubt, .fatal, .yield:
          return (.failed("a damaged item ends as \(failure.outcome), not as rejected"), privacy)
        case .rejected, .retryable: break
        }
      } catch {
        // A foreign error fails the row, and its text is never shown.
      }
    }
    return (.passed(nil), privacy)
  }

  /// Waits from outside, so that a stage that never ends doesn't keep the check from ending.
  private func endsWhenCancelled(_ input: S.Input) async -> ConformanceVerdict.Outcome {
    let hasEnded = await withCheckedContinuation { (next: CheckedContinuation<Bool, Never>) in
      let answer = Answer(next)
      let task = Task.detached {
        _ = try? await self.result(input)
        answer.give(true)
      }
      task.cancel()
      Task.detached {
        try? await Task.sleep(for: .seconds(10))
        answer.give(false)
      }
    }
    return hasEnded
      ? .passed(nil) : .failed("it was still running 10 s after its task was cancelled")
  }

  /// Resumes once, by whoever comes first.
  private final class Answer: Sendable {
    private let waiting: Mutex<CheckedContinuation<Bool, Never>?>

    init(_ next: CheckedContinuation<Bool, Never>) { waiting = Mutex(next) }

    func give(_ value: Bool) {
      let next = waiting.withLock { waiting in
        defer { waiting = nil }
        return waiting
      }
      next?.resume(returning: value)
    }
  }
}

/// The bytes by which two outputs of a stage are told apart, and the side that an image shows.
struct ComparableForm: Equatable {
  let bytes: [UInt8]
  let side: Side?

  /// Nil for types that nothing is known about.
  init?(_ value: any Sendable) {
    switch value {
    case let image as DocumentImage: self.init(Self.content(image), image.side)
    case let image as PreparedImage: self.init(image.bytes, image.side)
    case let image as EncodedImage: self.init(image.base64, image.side)
    case let submission as Submission: self.init(Self.content(submission), nil)
    case let record as IntakeRecord: self.init(record.source.exposed, nil)
    default: return nil
    }
  }

  private init(_ bytes: [UInt8], _ side: Side?) { (self.bytes, self.side) = (bytes, side) }

  /// The side of an input, nil for what shows none.
  static func side(of value: any Sendable) -> Side? {
    (value as? ImageFile)?.side ?? ComparableForm(value)?.side
  }

  private static func content(_ image: DocumentImage) -> [UInt8] {
    switch image.content {
    case .encoded(let bytes): return bytes
    case .edited(let bitmap):
      return bitmap.luma.samples + (bitmap.chroma.map { $0.blue.samples + $0.red.samples } ?? [])
    }
  }

  private static func content(_ submission: Submission) -> [UInt8] {
    let head =
      [submission.method, submission.path]
      + submission.headers.map { "\($0.name):\($0.value)" }
    return Array(head.joined(separator: "\n").utf8)
      + submission.body.flatMap { $0.bytes(with: nil) }
  }
}
