public import IntakeCore
import IntakeCrypto
import IntakeSystem

/// The options of `external`.
public struct ExternalOptions: PluginOptions {
  @Option(
    "path and arguments; the path holds a \"/\" and is relative to the plan's folder; required",
    isPath: true)
  var program: [String] = []
  @Option("what the program works on") var accepts = ItemName.image
  @Option(
    "with accepts file: the formats it is handed, such as heic, pdf, unknown; default: all but jpeg and png"
  )
  var formats: [String] = []
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

  @Option(
    "memory of each process of the program at most", in: 16_777_216...1_099_511_627_776,
    unit: "bytes")
  var maxMemory = 4 << 30
  @Option("network: the program can't open any connection") var isolation = ProgramIsolation.off

  /// Every option with its default.
  public init() {}

  /// Refuses what no declaration of an option can rule out.
  func check() throws(OptionError) {
    guard !path.isEmpty else {
      throw OptionError(
        option: "program",
        "stage \"external\" needs a program: \"program\":[\"./blur.py\"] (see docintake stages new)"
      )
    }
    // Never through PATH: anyone who may write to one of its folders could replace the program.
    guard path.contains("/") else {
      throw OptionError(
        option: "program",
        "the program \(path.quoted()) has no \"/\": write \("./\(path)".quoted()) or the whole path; "
          + "PATH is not searched")
    }
    guard !program.contains(where: { $0.utf8.contains(0) }) else {
      throw OptionError(option: "program", "a word of \"program\" holds a NUL byte")
    }
    if let format = formats.first(where: { !FileItem.formats.contains($0) }) {
      throw OptionError(
        option: "formats",
        "there is no format " + format.quoted(known: FileItem.formats)
          + " (known: \(FileItem.formats.joined(separator: ", ")))")
    }
    guard sha256.map({ $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) }) ?? true else {
      throw OptionError(option: "sha256", "sha256 takes 64 hexadecimal digits, as sha256sum prints")
    }
  }
}

/// What a program is denied besides gaining more rights.
enum ProgramIsolation: String, CaseIterable {
  case off, network
}

/// What a program may work on, as plans and messages name it.
enum ItemName: String, CaseIterable {
  case file, image, prepared, submission
}

/// The program's file: who owns it, who may change it, and whether it is the one that the plan expects.
extension ExternalOptions {
  private var path: String { program.first ?? "" }

  /// The program's name in messages: the last part of its path.
  var name: String {
    Sanitizer.clean(String(path.split(separator: "/").last ?? ""), limit: 60)
  }

  /// Refuses a file that isn't there or that another user could change.
  func checkPath() throws(OptionError) {
    do throws(ProgramTrust.Problem) {
      try ProgramTrust.check(
        path, missing: "correct \"program\"; a relative path starts at the plan's folder")
    } catch {
      throw OptionError(
        option: "program", "\(Sanitizer.clean(path)): \(error.description)", hint: error.hint)
    }
  }

  /// Refuses such a file, too, before it is started, and one whose digest isn't the plan's.
  func checkFile() throws(StageFailure) {
    do throws(OptionError) { try checkPath() } catch {
      throw StageFailure(
        .stageFailed, error.description, hint: error.hint, outcome: .fatal)
    }
    guard let expected = sha256?.lowercased() else { return }
    let actual = try digest()
    guard actual == expected else {
      throw failure(
        " is not the file that the plan names: its SHA-256 is \(actual)",
        hint: "find out who changed it; if the change is wanted, put the new digest into the plan")
    }
  }

  func failure(starting error: SystemCallFailure) -> StageFailure {
    switch error.code {
    case SystemCallFailure.notFound:
      failure(
        " cannot be started: the interpreter that its first line names is missing",
        hint: "correct the #! line, or name the interpreter in \"program\"")
    case SystemCallFailure.notExecutable:
      failure(
        " cannot be started: neither a script with a #! line nor a program of this machine",
        hint: "begin the script with #!, or build the program for this machine")
    case SystemCallFailure.accessDenied:
      failure(" cannot be started: it is not executable", hint: "chmod +x the file")
    default: failure(" cannot be started: \(error.reason)")
    }
  }

  private func digest() throws(StageFailure) -> String {
    do {
      let file = try Descriptor.open(ProgramTrust.resolved(path))
      return Hex.text(try Digest.sha256(file.wholeFile(atMost: .max)))
    } catch {
      throw failure(" cannot be read for its digest: \(error)")
    }
  }

  /// A failure that names the program: its answer is at fault, and not the scan that it was given.
  func blamed(for failure: StageFailure) -> StageFailure {
    let isAboutPicture = [
      FailureCode.notAnImage, .unsupportedFormat, .unsupportedVariant, .damagedImage,
      .imageTooLarge, .imageTooSmall,
    ].contains(failure.code)
    let words = (program.count > 1 ? ["--"] : []) + program.map(ShellText.quoted)
    return StageFailure(
      failure.code, "the answer of \(name): \(failure.detail)",
      hint: isAboutPicture
        ? "mend the program, not the scan: docintake stages check "
          + Sanitizer.clean(words.joined(separator: " ")) : failure.hint,
      outcome: failure.outcome)
  }

  private func failure(_ detail: String, hint: String = "correct \"program\" in the plan")
    -> StageFailure
  {
    StageFailure(.stageFailed, Sanitizer.clean(path) + detail, hint: hint, outcome: .fatal)
  }
}
