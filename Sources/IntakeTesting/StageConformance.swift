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

/// Tries what a stage says about itself.
struct DescriptorCheck {
  private let descriptor: PluginDescriptor

  init(_ descriptor: PluginDescriptor) { self.descriptor = descriptor }

  func run(_ report: inout ConformanceReport) {
    let summary = descriptor.summary
    report.add(
      .summary,
      summary.isEmpty || summary.contains(where: \.isNewline) || summary.count > 150
        ? .failed("the summary is empty, of several lines, or longer than 150 characters")
        : .passed(nil))
    report.add(.optionNames, optionNames)
    report.add(.defaults, StageConformance.outcome { try checkDefaults() })
    report.add(.example, StageConformance.outcome { try checkExample() })
  }

  /// The options of the example.
  func exampleOptions() throws -> [String: OptionValue] {
    try PipelinePlan(json: Array(#"{"stages":[\#(descriptor.example)]}"#.utf8))
      .stages.first?.options ?? [:]
  }

  private var optionNames: ConformanceVerdict.Outcome {
    var seen: Set<String> = []
    for option in descriptor.options {
      let shown = "\"\(Sanitizer.clean(option.name, limit: 60))\""
      guard PluginDescriptor.isName(option.name) else {
        return .failed("\(shown) isn't a valid option name")
      }
      // A plan has the stage's name beside the options.
      guard option.name != "stage" else { return .failed("an option cannot be called \"stage\"") }
      guard seen.insert(option.name).inserted else { return .failed("\(shown) stands twice") }
      guard !option.help.isEmpty else { return .failed("\(shown) has no help") }
    }
    return .passed(nil)
  }

  private func checkDefaults() throws {
    for option in descriptor.options {
      guard let value = option.defaultValue else { continue }
      _ = try descriptor.checked([option.name: value])
    }
  }

  private func checkExample() throws {
    let plan = try PipelinePlan(json: Array(#"{"stages":[\#(descriptor.example)]}"#.utf8))
    guard let entry = plan.stages.first, plan.stages.count == 1, entry.name == descriptor.name
    else {
      throw OptionError(option: "stage", "the example isn't an entry for \"\(descriptor.name)\"")
    }
    _ = try descriptor.checked(entry.options)
  }
}

/// The rules of Swift stages, each with the file of the contract that holds it.
extension ConformanceRule {
  private static func stage(_ name: String, _ statement: String, _ file: String) -> ConformanceRule
  {
    ConformanceRule(name, statement, see: "Sources/IntakeCore/Contract/\(file).swift")
  }

  static let stageName = stage(
    "name", "is called by a-z, 0-9 and hyphens, first a letter", "StageRegistry")
  static let summary = stage("summary", "says on one line what it does", "Plugin")
  static let optionNames = stage(
    "option-names", "names each option once, in lower case and hyphens, with help",
    "Option")
  static let defaults = stage(
    "defaults", "has defaults that its options would take", "Option")
  static let example = stage(
    "example", "has an example that is an entry of a plan for this stage", "Plugin")
  static let creation = stage("init", "can be made with the options of its example", "Plugin")
  static let preparation = stage("prepare", "can be prepared", "Plugin")
  static let ordinary = stage("ordinary", "takes ordinary input", "Stage")
  static let sameOutput = stage("same-output", "returns the same for the same input", "Stage")
  static let concurrent = stage(
    "concurrent", "returns the same when several items run through it at once", "Stage")
  static let side = stage("side", "leaves an image on its side of the document", "Roles")
  static let hostile = stage(
    "hostile", "answers hostile input with a value or with a failure of that row", "Stage")
  static let privacy = stage(
    "privacy", "keeps file names and personal data out of failures", "Stage")
  static let cancellation = stage(
    "cancellation", "ends within 10 s when its task is cancelled", "Stage")
}
