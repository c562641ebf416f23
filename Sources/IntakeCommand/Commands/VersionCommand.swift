import IntakeCore
import IntakeCrypto
import IntakeImaging
import IntakeTransport

/// `docintake version`: the program and the libraries that decide what it can do.
enum VersionCommand {
  static let spec = CommandSpec(
    path: ["version"], summary: "print the versions of the program and of its C libraries",
    options: [OptionSpec("json", help: "print as JSON")]
  ) { arguments, invocation in
    let versions =
      [("docintake", ProductVersion.number)] + ImagingLibraries.versions
      + [libcurl, ("libcrypto", CryptoLibrary.version)]
    if arguments.has("json") {
      let fields = versions.map { ($0.0, JSONOutput.string($0.1)) }
      invocation.results.writeLine(JSONOutput.object(fields).text)
    } else {
      for (name, version) in versions { invocation.results.writeLine("\(name) \(version)") }
    }
    return .success
  }

  /// libcurl reports its name, its version and its own libraries in one text.
  private static var libcurl: (String, String) {
    ("libcurl", String(HTTPLibrary.version.trimmingPrefix("libcurl/")))
  }
}
