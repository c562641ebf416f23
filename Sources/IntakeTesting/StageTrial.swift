import IntakeCore

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
    if let expected = await form(first) {
      report.check(
        .sameOutput, await repeats(first, expected),
        "two runs returned different \(S.Output.self): no clock and no dice in a stage")
      report.check(
        .concurrent, await repeatsAtOnce(first, expected),
        "eight runs at once differ: state is shared between items")
      if let side = ComparableForm.side(of: first), let other = expected.side {
        report.check(.side, other == side, "it returned the other side")
      }
    } else {
      for rule in [ConformanceRule.sameOutput, .concurrent] {
        report.add(rule, .skipped("outputs of type \(S.Output.self) are not compared"))
      }
    }
    await tryHostile(&report)
    report.check(
      .cancellation, await endsWhenCancelled(first),
      "it was still running 10 s after its task was cancelled")
  }

  private func result(_ input: S.Input) async throws -> S.Output {
    let context = StageContext(
      row: RowReference(line: 2, id: "C-1"), side: ComparableForm.side(of: input),
      imageBudget: 1_000_000, time: 1_700_000_000)
    return try await stage.run(input, in: context)
  }

  private func form(_ input: S.Input) async -> ComparableForm? {
    (try? await result(input)).flatMap { ComparableForm($0) }
  }

  /// A stage that judges images may reject a drawing.
  private func ordinary(_ inputs: [S.Input]) async -> ConformanceVerdict.Outcome {
    for input in inputs {
      do {
        _ = try await result(input)
      } catch let failure as StageFailure where failure.outcome == .rejected {
        return .passed("it refuses the sample: \(failure.code)")
      } catch {
        return .failed(ConformanceReport.problem(error))
      }
    }
    return .passed(nil)
  }

  private func repeats(_ input: S.Input, _ expected: ComparableForm) async -> Bool {
    for _ in 1...2 where await form(input) != expected { return false }
    return true
  }

  private func repeatsAtOnce(_ input: S.Input, _ expected: ComparableForm) async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
      for _ in 1...8 { group.addTask { await form(input) == expected } }
      return await group.allSatisfy(\.self)
    }
  }

  private func tryHostile(_ report: inout ConformanceReport) async {
    let inputs = (try? SampleInputs.hostile(S.Input.self)) ?? []
    guard !inputs.isEmpty else {
      for rule in [ConformanceRule.hostile, .privacy] {
        report.add(rule, .skipped("no hostile \(S.Input.self) is at hand"))
      }
      return
    }
    var failures: [StageFailure] = []
    for input in inputs {
      do {
        _ = try await result(input)
      } catch let failure as StageFailure {
        failures.append(failure)
      } catch {
        // A foreign error fails the row; its text is never shown.
      }
    }
    report.check(.hostile) {
      for outcome in failures.map(\.outcome) {
        if case .rejected = outcome { continue }
        if case .retryable = outcome { continue }
        throw BrokenRule("a damaged item ends as \(outcome), not as rejected")
      }
    }
    report.check(
      .privacy, !failures.contains { "\($0)".contains(SampleInputs.canary) },
      "a failure repeats a file name or a cell; name the side or the column")
  }

  /// Waits from outside, so that a stage that never ends cannot block the check.
  private func endsWhenCancelled(_ input: S.Input) async -> Bool {
    let (answers, answer) = AsyncStream.makeStream(of: Bool.self)
    let task = Task.detached {
      _ = try? await result(input)
      answer.yield(true)
    }
    task.cancel()
    Task.detached {
      try? await Task.sleep(for: .seconds(10))
      answer.yield(false)
    }
    return await answers.first { _ in true } ?? false
  }
}

/// The bytes by which two outputs of a stage are compared, and the side that an image shows.
struct ComparableForm: Equatable {
  let bytes: [UInt8]
  let side: Side?
}

extension ComparableForm {
  /// Nil for unknown types.
  init?(_ value: any Sendable) {
    switch value {
    case let image as DocumentImage: self.init(bytes: Self.content(image), side: image.side)
    case let image as PreparedImage: self.init(bytes: image.bytes, side: image.side)
    case let image as EncodedImage: self.init(bytes: image.base64, side: image.side)
    case let submission as Submission: self.init(bytes: Self.content(submission), side: nil)
    case let record as IntakeRecord:
      let origin = RowOrigin(of: record, identity: record.identity, sendsImages: false)
      self.init(bytes: origin.inFormat1().exposed, side: nil)
    default: return nil
    }
  }

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
    let headers = submission.headers.map { "\($0.name):\($0.value)" }
    let head = ([submission.method, submission.path] + headers).joined(separator: "\n")
    return Array(head.utf8) + submission.body.flatMap { $0.bytes(with: nil) }
  }
}
