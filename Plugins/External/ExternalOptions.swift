public import IntakeCore

/// The options of `external`.
public struct ExternalOptions: PluginOptions {
  @Option(
    "path and arguments; the path holds a \"/\" and is relative to the plan's folder; required",
    isPath: true)
  var program: [String] = []
  @Option("what the program works on") var accepts = ItemName.image
  @Option("for one item, answer included", in: 0.1...3_600, unit: "seconds") var timeout = 30.0
  @Option("from the start of the program to its \"ready\"", in: 0.1...600, unit: "seconds")
  var startTimeout = 10.0
  @Option("handed to the program when it starts; no secrets") var options: [String: String] = [:]
  @Option(
    "how many run side by side at most; default: one a processor", in: 1...256, unit: "processes")
  var processes: Int? = nil
  @Option("the most that one answer may bring", in: 1_024...1_073_741_824, unit: "bytes")
  var maxBytes = 64 << 20
  @Option("SHA-256 of the program's file in hexadecimal; any other file is refused")
  var sha256: String? = nil

  /// Every option with its default.
  public init() {}

  /// The program's name in messages: the last part of its path.
  var name: String {
    let path = program.first ?? ""
    return Sanitizer.clean(String(path.split(separator: "/").last ?? ""), limit: 60)
  }

  /// Refuses what no range can rule out.
  func check() throws(OptionError) {
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
    guard sha256.map({ $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) }) ?? true else {
      throw OptionError(option: "sha256", "sha256 takes 64 hexadecimal digits, as sha256sum prints")
    }
  }
}

/// What a program may work on, as plans and programs name it.
enum ItemName: String, CaseIterable {
  case image, prepared, submission
}
