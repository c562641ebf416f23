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
        "lang", choices: ["swift", "python", "sh"], default: "swift",
        help: "language of the stage"),
      OptionSpec(
        "package", value: "PATH|URL", default: "where this program was built",
        completion: .folders,
        help: "the package of docintake that a Swift stage depends on"),
      OptionSpec("output", short: "o", value: "DIR", default: "NAME", help: "folder to make"),
    ],
    examples: ["docintake stages new blur --lang python && docintake stages check ./blur/blur.py"]
  ) { arguments, invocation in
    let name = arguments.positionals[0]
    guard PluginDescriptor.isName(name), name.utf8.count <= 60 else {
      throw arguments.usageError(
        "\(name.quoted()) isn't a valid stage name: use a-z, 0-9 and hyphens, and begin with a letter"
      )
    }
    let folder = arguments["output"] ?? name
    guard !DurableFile.exists(folder) else {
      throw CommandError(
        .usage, "\(Sanitizer.clean(folder)) is there already",
        hint: "give --output with a new folder")
    }
    let files = try template(name, arguments)
    try write(files, to: folder)
    for file in files { invocation.results.writeLine("\(folder)/\(file.path)") }
    let program = "\(folder.hasPrefix("/") ? "" : "./")\(folder)/\(files[0].path)"
    invocation.console.write(
      "next: "
        + (files[0].isExecutable
          ? ProgramName.applied(to: "docintake stages check ") + Sanitizer.clean(program)
          : "cd \(Sanitizer.clean(folder)) && swift test"))
    return .success
  }

  /// The files of a new stage; as they are, they build and pass the check of their kind.
  private static func template(_ name: String, _ arguments: Arguments) throws(CommandError)
    -> [TemplateFile]
  {
    switch arguments["lang"] {
    case "python": [program(name, "py", PackageResources.program_py)]
    case "sh": [program(name, "sh", PackageResources.program_sh)]
    default: package(name, dependingOn: try dependency(arguments["package"]))
    }
  }

  /// A program that speaks protocol 1; one function is left to write.
  private static func program(_ name: String, _ suffix: String, _ text: [UInt8]) -> TemplateFile {
    TemplateFile(
      path: "\(name).\(suffix)", text: builtinText(text, ["__NAME__": name]), isExecutable: true)
  }

  /// A Swift package: a library with the stage, a command that knows it, and its test.
  private static func package(_ name: String, dependingOn package: String) -> [TemplateFile] {
    // `deskew-page` becomes `DeskewPage`.
    let type = name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }
      .joined()
    let isGit = package.contains("://") || package.hasSuffix(".git")
    // SwiftPM names a package after the last part of its location.
    let last = package.split(separator: "/").last ?? "docintake"
    let marks = [
      "__NAME__": name, "__TYPE__": type,
      "__TEST__": type.prefix(1).lowercased() + type.dropFirst(),
      "__DEPENDENCY__": isGit
        ? #".package(url: "\#(package)", branch: "main")"# : #".package(path: "\#(package)")"#,
      "__PACKAGE__": String(last.hasSuffix(".git") ? last.dropLast(4) : last),
    ]
    return [
      ("Package.swift", PackageResources.Package_swift_txt),
      ("Sources/\(type)Stage/\(type).swift", PackageResources.Stage_swift_txt),
      ("Sources/\(name)-intake/main.swift", PackageResources.main_swift_txt),
      ("Tests/\(type)StageTests/\(type)Tests.swift", PackageResources.Tests_swift_txt),
    ].map { TemplateFile(path: $0, text: builtinText($1, marks)) }
  }

  /// The package that a stage depends on: a URL, or a whole path, because the stage has a folder of its own.
  private static func dependency(_ given: String?) throws(CommandError) -> String {
    let hint = "give --package with the folder of docintake's sources or the URL of its repository"
    guard let given else {
      // The folder that this program was built in holds `.build/`; an installed one is elsewhere.
      let folder = ProcessSetup.executablePath.flatMap { path in
        path.firstRange(of: "/.build/").map { String(path[..<$0.lowerBound]) }
      }
      guard let folder, DurableFile.exists(folder + "/Sources/IntakeCore") else {
        throw CommandError(
          .usage,
          "a Swift stage needs the package of docintake, and it is not known where that is",
          hint: hint + ", or --lang python or sh, which need none")
      }
      return folder
    }
    if given.contains("://") { return given }
    if given.hasSuffix(".git") { return LedgerPlace.absolute(given) }
    guard DurableFile.exists(given + "/Package.swift") else {
      throw CommandError(
        .usage, "there is no Swift package in \(Sanitizer.clean(given))", hint: hint)
    }
    return LedgerPlace.absolute(given)
  }

  private static func write(_ files: [TemplateFile], to folder: String) throws(CommandError) {
    try CommandError.writing(folder) {
      for file in files {
        let path = "\(folder)/\(file.path)"
        try DurableFile.makeFolder(DurableFile.folder(of: path))
        try DurableFile.create(path, Array(file.text.utf8))
        if file.isExecutable { try DurableFile.makeExecutable(path) }
      }
    }
  }

  static let check = CommandSpec(
    path: ["stages", "check"],
    summary: "run the conformance kit against a program that speaks protocol 1",
    arguments: "PROGRAM [ARGUMENT…]", argumentCount: 1...Int.max,
    options: [RunOptions.json],
    examples: [
      "docintake stages check ./blur.py", "docintake stages check -- ./blur.py --strength 3",
    ],
    notes: [
      "Exit code 0 when every rule holds, 3 when one does not: the rule and its place are named. A program that\n"
        + "does not answer its first item is tried no further."
    ]
  ) { arguments, invocation in
    let (isJSON, results) = (arguments.has("json"), invocation.results)
    let report = ProgramCheck(arguments.positionals).run { verdict in
      if !isJSON { results.writeLine(verdict.description) }
    }
    results.writeLine(isJSON ? report.json.text : report.total)
    return report.isConforming ? .success : .notAccepted
  }
}

/// A file of a new stage; its path is below the folder in which the stage is made.
struct TemplateFile {
  let path: String
  let text: String
  var isExecutable = false
}

/// A text of the folder `Texts` with its marks replaced.
func builtinText(_ bytes: [UInt8], _ marks: [String: String] = [:]) -> String {
  marks.reduce(String(decoding: bytes, as: UTF8.self)) { text, mark in
    text.replacing(mark.key, with: mark.value)
  }
}
