import IntakeCore
import IntakeSystem
import IntakeTesting

/// `docintake stages new` and `stages check`: for people who write their own.
enum StageAuthorCommands {
  static let new = CommandSpec(
    path: ["stages", "new"], summary: "make a stage of your own that builds and passes as created",
    arguments: "NAME", argumentCount: 1...1,
    options: [
      OptionSpec(
        "lang", choices: StageTemplate.Language.allCases.map(\.rawValue), default: "swift",
        help: "language of the stage"),
      OptionSpec(
        "package", value: "PATH|URL", default: "where this program was built",
        help: "the package of docintake that a Swift stage depends on"),
      OptionSpec("output", short: "o", value: "DIR", default: "NAME", help: "folder to make"),
    ],
    examples: ["docintake stages new blur --lang python && docintake stages check ./blur/blur.py"]
  ) { arguments, invocation in
    let name = arguments.positionals[0]
    let language = arguments["lang"].flatMap(StageTemplate.Language.init(rawValue:)) ?? .swift
    let folder = arguments["output"] ?? name
    let template: StageTemplate
    do {
      template = try StageTemplate(
        name: name, language: language, package: arguments["package"] ?? ownPackage)
    } catch {
      throw UsageError("\(error)", command: arguments.command)
    }
    guard !DurableFile.exists(folder) else {
      throw UsageError(
        "\(Sanitizer.clean(folder)) is there already", hint: "give --output with a new folder")
    }
    try write(template, to: folder)
    for file in template.files { invocation.results.writeLine("\(folder)/\(file.path)") }
    let program = "\(folder.hasPrefix("/") ? "" : "./")\(folder)/\(template.files[0].path)"
    Console(isJSON: false).write(
      "next: "
        + (language == .swift
          ? "cd \(Sanitizer.clean("\(folder)/\(name)")) && swift test"
          : ProgramName.put(into: "docintake stages check ") + Sanitizer.clean(program)))
    return .success
  }

  /// The folder that holds `.build/`, where this program was built from; else a neighbour's usual place.
  private static var ownPackage: String {
    guard let path = ProcessSetup.executablePath, let build = path.firstRange(of: "/.build/") else {
      return "../docintake"
    }
    return String(path[..<build.lowerBound])
  }

  private static func write(_ template: StageTemplate, to folder: String) throws(CommandError) {
    do throws(SystemCallFailure) {
      for file in template.files {
        let path = "\(folder)/\(file.path)"
        try DurableFile.makeFolder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        try DurableFile.create(path, Array(file.text.utf8))
        if file.isExecutable { try DurableFile.makeExecutable(path) }
      }
    } catch {
      throw CommandError(.usage, "\(Sanitizer.clean(folder)) cannot be written: \(error)")
    }
  }

  static let check = CommandSpec(
    path: ["stages", "check"],
    summary: "run the conformance kit against a program that speaks protocol 1",
    arguments: "PROGRAM [ARGUMENT…]", argumentCount: 1...Int.max,
    options: [OptionSpec("json", help: "print as JSON")],
    examples: [
      "docintake stages check ./blur.py", "docintake stages check -- ./blur.py --strength 3",
    ],
    notes: [
      "Exit code 0 when every rule holds, 3 when one does not: the rule and its place are named."
    ]
  ) { arguments, invocation in
    let report = ProgramCheck(arguments.positionals).run()
    invocation.results.writeText(
      arguments.has("json") ? report.json.text + "\n" : report.text + "\n")
    return report.isConforming ? .success : .notAccepted
  }
}
