import IntakeCore

/// The options of `external`, read.
struct ExternalOptions: Sendable {
  let program: [String]
  let accepts: String
  let timeout: Double
  let startTimeout: Double
  let table: [String: String]
  let processes: Int?
  let maxBytes: Int
  let digest: String?

  init(_ options: StageOptions) throws(OptionError) {
    program = options[External.program]
    accepts = options[External.accepts]
    timeout = options[External.timeout]
    startTimeout = options[External.startTimeout]
    table = options[External.options]
    processes = options[External.processes]
    maxBytes = options[External.maxBytes]
    digest = options[External.digest]?.lowercased()
    try checkProgram()
    try checkDigest()
  }

  /// The program's name in messages: the last part of its path.
  var name: String {
    let path = program.first ?? ""
    return Sanitizer.clean(String(path.split(separator: "/").last ?? ""), limit: 60)
  }

  private func checkProgram() throws(OptionError) {
    guard let path = program.first, !path.isEmpty else {
      throw OptionError(
        option: "program",
        "stage \"external\" needs a program: \"program\":[\"./blur.py\"] (see docintake stages new)"
      )
    }
    // Never through PATH: who may write to one of its folders would choose the program.
    guard path.contains("/") else {
      throw OptionError(
        option: "program",
        "the program \"\(Sanitizer.clean(path, limit: 60))\" has no \"/\": write "
          + "\"./\(Sanitizer.clean(path, limit: 60))\" or the whole path; PATH is not searched")
    }
    guard !program.contains(where: { $0.utf8.contains(0) }) else {
      throw OptionError(option: "program", "a word of \"program\" holds a NUL byte")
    }
  }

  private func checkDigest() throws(OptionError) {
    guard let digest else { return }
    guard digest.utf8.count == 64, digest.allSatisfy(\.isHexDigit) else {
      throw OptionError(option: "sha256", "sha256 takes 64 hexadecimal digits, as sha256sum prints")
    }
  }
}
