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
    let libraries = ImagingLibraries.versions + [("libcurl", TransportLibrary.version)]
    if arguments.has("json") {
      let fields = [("docintake", number)] + libraries
      invocation.results.writeLine(JSONOutput.object(fields.map { ($0.0, .string($0.1)) }).text)
    } else {
      invocation.results.writeLine("docintake \(number)")
      for (name, version) in libraries { invocation.results.writeLine("\(name) \(version)") }
    }
    return .success
  }
}
