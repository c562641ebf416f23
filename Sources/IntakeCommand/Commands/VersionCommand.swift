import IntakeCore
import IntakeCrypto
import IntakeImaging
import IntakeTransport

/// `docintake version`: the program and the libraries that decide what it can do.
enum VersionCommand {
  static let spec = CommandSpec(
    path: ["version"], summary: "print the versions of the program and of its C libraries",
    options: [RunOptions.json]
  ) { arguments, invocation in
    // libcurl reports its name, its version and its own libraries in one text.
    let libcurl = ("libcurl", String(HTTPLibrary.version.trimmingPrefix("libcurl/")))
    let versions =
      [("docintake", ProductVersion.number)] + ImagingLibraries.versions
      + [libcurl, ("libcrypto", CryptoLibrary.version)]
    if arguments.has("json") {
      invocation.results.writeLine(versions.map { ($0, $1) })
    } else {
      for (name, version) in versions { invocation.results.writeLine("\(name) \(version)") }
    }
    return .success
  }
}
