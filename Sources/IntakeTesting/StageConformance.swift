public import IntakeCore

/// The conformance kit for stages in Swift: `#expect(await StageConformance.check(Mine.self).isConforming)`.
public enum StageConformance {
  /// Tries every rule on a stage.
  ///
  /// - Parameters:
  ///   - options: how to make the stage; those of its example where nothing is given.
  ///   - inputs: ordinary inputs; scans, prepared images, rows and requests are at hand.
  public static func check<S: Stage>(
    _ stage: S.Type, options: [String: OptionValue]? = nil, inputs: [S.Input]? = nil
  ) async -> ConformanceReport {
    var report = ConformanceReport(subject: S.name)
    guard let made = await prepared(stage, options, &report) else { return report }
    await StageTrial(stage: made, inputs: inputs).run(&report)
    await made.finish()
    return report
  }

  /// Tries the rules that hold for a journal, which is no step that takes a value.
  public static func check<J: Journal>(
    journal: J.Type, options: [String: OptionValue]? = nil
  ) async -> ConformanceReport {
    var report = ConformanceReport(subject: J.name)
    await prepared(journal, options, &report)?.finish()
    return report
  }

  private static func prepared<P: Plugin>(
    _ plugin: P.Type, _ options: [String: OptionValue]?, _ report: inout ConformanceReport
  ) async -> P? {
    let check = DescriptorCheck(P.descriptor)
    check.run(&report)
    report.add(.stageName, outcome { try StageRegistry().adding(plugin).check() })
    let made: P
    do {
      made = try P(given: options ?? check.exampleOptions())
      report.add(.creation, .passed(nil))
    } catch {
      report.add(.creation, .failed("it threw \(description(of: error))"))
      return nil
    }
    do {
      try await made.prepare()
      report.add(.preparation, .passed(nil))
      return made
    } catch {
      report.add(
        .preparation,
        .failed("it threw \(description(of: error)); give options that work here"))
      return nil
    }
  }

  static func outcome(_ body: () throws -> Void) -> ConformanceVerdict.Outcome {
    do {
      try body()
      return .passed(nil)
    } catch {
      return .failed(description(of: error))
    }
  }

  /// An error in words; a foreign one by its type only, as the engine shows it.
  static func description(of error: any Error) -> String {
    switch error {
    case let failure as StageFailure: return "\(failure)"
    case let error as OptionError: return "\(error)"
    case let error as PlanError: return "\(error)"
    case let error as RegistrationError: return "\(error)"
    default: return "\(type(of: error))"
    }
  }
}
