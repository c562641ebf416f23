public import IntakeCore

/// The conformance kit for stages in Swift: `#expect(await StageConformance.check(Mine.self).isConforming)`.
public enum StageConformance {
  /// Tries every rule on a stage.
  ///
  /// - Parameters:
  ///   - options: how to make the stage; by default those of its example.
  ///   - inputs: ordinary inputs; by default the kit's own scans, prepared images, rows and requests.
  public static func check<S: Stage>(
    _ stage: S.Type, options: [String: OptionValue]? = nil, inputs: [S.Input]? = nil
  ) async -> ConformanceReport {
    var report = ConformanceReport(subject: S.name)
    guard let made = await prepared(stage, options, &report) else { return report }
    await StageTrial(stage: made, inputs: inputs).run(&report)
    await made.finish()
    return report
  }

  /// Tries the rules for a journal, which isn't a step that takes a value.
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
    P.descriptor.check(&report)
    report.check(.stageName) { try StageRegistry().adding(plugin).check() }
    var made: P?
    report.check(.creation) {
      made = try P(given: options ?? P.descriptor.exampleEntries().first?.options ?? [:])
    }
    do {
      try await made?.prepare()
      if made != nil { report.add(.preparation, .passed(nil)) }
      return made
    } catch {
      report.add(
        .preparation,
        .failed("\(ConformanceReport.problem(error)); give options that work here"))
      return nil
    }
  }
}

extension PluginDescriptor {
  fileprivate func check(_ report: inout ConformanceReport) {
    report.check(
      .summary, (1...150).contains(summary.count) && !summary.contains(where: \.isNewline),
      "the summary is empty, of several lines, or longer than 150 characters")
    report.check(.optionNames, checkOptionNames)
    report.check(.defaults) {
      for option in options {
        _ = try option.defaultValue.map { try checked([option.name: $0]) }
      }
    }
    report.check(.example) {
      let entries = try exampleEntries()
      try require(
        entries.count == 1 && entries[0].name == name, "the example isn't an entry for \"\(name)\"")
      _ = try checked(entries[0].options)
    }
  }

  fileprivate func exampleEntries() throws -> [PlannedStage] {
    try PipelinePlan(json: Array(#"{"stages":[\#(example)]}"#.utf8)).stages
  }

  private func checkOptionNames() throws {
    var seen: Set<String> = []
    for option in options {
      let shown = option.name.quoted()
      try require(PluginDescriptor.isName(option.name), "\(shown) isn't a valid option name")
      // A plan has the stage's name beside the options.
      try require(option.name != "stage", "no option can be called \"stage\"")
      try require(seen.insert(option.name).inserted, "\(shown) is there twice")
      try require(!option.help.isEmpty, "\(shown) has no help")
    }
  }
}

/// The rules for Swift stages, each with the file of the contract that states it.
extension ConformanceRule {
  private static func stage(_ name: String, _ statement: String, _ file: String) -> Self {
    Self(name: name, statement: statement, reference: "Sources/IntakeCore/Contract/\(file).swift")
  }

  static let stageName = stage(
    "name", "has a name of a-z, 0-9 and hyphens that begins with a letter", "StageRegistry")
  static let summary = stage("summary", "says on one line what it does", "Plugin")
  static let optionNames = stage(
    "option-names", "names each option once, in lower case and hyphens, with help", "Option")
  static let defaults = stage("defaults", "has defaults that its options would take", "Option")
  static let example = stage(
    "example", "has an example that is an entry of a plan for this stage", "Plugin")
  static let creation = stage("init", "can be made with the options of its example", "Plugin")
  static let preparation = stage("prepare", "can be prepared", "Plugin")
  static let ordinary = stage("ordinary", "takes ordinary input", "Stage")
  static let sameOutput = stage("same-output", "returns the same for the same input", "Stage")
  static let concurrent = stage(
    "concurrent", "returns the same when several items run through it at once", "Stage")
  static let side = stage("side", "leaves an image on its side of the document", "Stage")
  static let hostile = stage(
    "hostile", "answers hostile input with a value or with a failure of that row", "Stage")
  static let privacy = stage(
    "privacy", "keeps file names and personal data out of failures", "Stage")
  static let cancellation = stage(
    "cancellation", "ends within 10 s when its task is cancelled", "Stage")
}
