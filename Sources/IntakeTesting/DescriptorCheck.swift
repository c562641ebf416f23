import IntakeCore

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
      let isName = option.name.utf8.allSatisfy {
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
      }
      let shown = "\"\(Sanitizer.clean(option.name, limit: 60))\""
      guard isName, !option.name.isEmpty else {
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
