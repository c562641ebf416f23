public import IntakeCore

/// The conformance kit for stages in Swift: `#expect(await StageConformance.check(Mine.self).isConforming)`.
public enum StageConformance {
  /// Tries every rule on a stage that takes a value and returns the next one.
  ///
  /// - Parameters:
  ///   - options: how to make the stage; those of its example where nothing is given.
  ///   - inputs: ordinary inputs; scans, prepared images, rows and requests are at hand.
  public static func check<S: Stage>(
    _ stage: S.Type, options: [String: OptionValue]? = nil, inputs: [S.Input]? = nil
  ) async -> ConformanceReport {
    var report = ConformanceReport(subject: S.descriptor.name)
    DescriptorCheck(S.descriptor).run(&report)
    report.add(
      .stageName, outcome { try StageRegistry().adding(S.self).check() })
    guard let made = make(stage, options, &report) else { return report }
    do {
      try await made.prepare()
      report.add(.preparation, .passed(nil))
    } catch {
      report.add(.preparation, .failed("it threw \(told(error)); give options that work here"))
      return report
    }
    await StageTrial(stage: made, inputs: inputs).run(&report)
    await made.finish()
    return report
  }

  /// Tries the rules that every stage has in common, loaders and recorders included.
  public static func check<S: DescribedStage>(
    described stage: S.Type, options: [String: OptionValue]? = nil
  ) async -> ConformanceReport {
    var report = ConformanceReport(subject: S.descriptor.name)
    DescriptorCheck(S.descriptor).run(&report)
    do {
      let options = try StageOptions(
        options ?? DescriptorCheck(S.descriptor).exampleOptions(), for: S.descriptor)
      let made = try S(options: options)
      report.add(.creation, .passed(nil))
      try await made.prepare()
      report.add(.preparation, .passed(nil))
      await made.finish()
    } catch {
      report.add(.preparation, .failed("it threw \(told(error)); give options that work here"))
    }
    return report
  }

  private static func make<S: Stage>(
    _ stage: S.Type, _ options: [String: OptionValue]?, _ report: inout ConformanceReport
  ) -> S? {
    do {
      let values = try options ?? DescriptorCheck(S.descriptor).exampleOptions()
      let made = try S(options: StageOptions(values, for: S.descriptor))
      report.add(.creation, .passed(nil))
      return made
    } catch {
      report.add(.creation, .failed("it threw \(told(error))"))
      return nil
    }
  }

  static func outcome(_ body: () throws -> Void) -> ConformanceVerdict.Outcome {
    do {
      try body()
      return .passed(nil)
    } catch {
      return .failed(told(error))
    }
  }

  /// An error in words; a foreign one by its type only, as the engine tells it.
  static func told(_ error: any Error) -> String {
    switch error {
    case let failure as StageFailure: return "\(failure)"
    case let error as OptionError: return "\(error)"
    case let error as PlanError: return "\(error)"
    case let error as RegistrationError: return "\(error)"
    default: return "\(type(of: error))"
    }
  }
}
