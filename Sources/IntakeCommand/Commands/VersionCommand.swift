import IntakeCore
import IntakeImaging
import IntakeTransport

/// `docintake version`: the program and the libraries that decide what it can do.
enum VersionCommand {
  /// Of the program, https://semver.org.
  static let number = "0.1.0"

  static let spec = CommandSpec(
    path: ["version"], summary: "print the versions of the program and of its C libraries",
    options: [OptionSpec("json", help: "print as JSON")]
  ) { arguments, invocation in
    let versions = ["docintake \(number)"] + ImagingLibraries.versions + [HTTPLibrary.version]
    if arguments.has("json") {
      invocation.results.writeLine(JSONOutput.object(versions.map(field)).text)
    } else {
      for version in versions { invocation.results.writeLine(version) }
    }
    return .success
  }
  /// A name with the version that follows it after a blank, or after a slash as libcurl has it.
  private static func field(_ text: String) -> (String, JSONOutput) {
    let name = text.prefix { $0 != " " && $0 != "/" }
    return (String(name), .string(String(text.dropFirst(name.count + 1))))
  }
}
