public import IntakeCore
import IntakeSystem

/// Hands items to a program in any language, kept alive and spoken to over its standard input and output.
///
/// The option `accepts` says what it works on: files before they are decoded, scans, images ready to send, or requests.
public enum External: StageFamily {
  /// One stage for each thing that `accepts` names.
  public static let members: [any Stage.Type] = [
    ExternalStage<FileItem>.self, ExternalStage<ImageItem>.self, ExternalStage<PreparedItem>.self,
    ExternalStage<SubmissionItem>.self,
  ]

  /// The stage for what `accepts` names.
  public static func member(for options: ExternalOptions) -> any Stage.Type {
    switch options.accepts {
    case .file: return ExternalStage<FileItem>.self
    case .image: return ExternalStage<ImageItem>.self
    case .prepared: return ExternalStage<PreparedItem>.self
    case .submission: return ExternalStage<SubmissionItem>.self
    }
  }
}

/// Hands each item to a program and takes its answer; one shape of the family `External`.
public struct ExternalStage<Item: ItemKind>: Stage {
  /// The name of every shape.
  public static var name: String { "external" }
  /// What it does.
  public static var summary: String { "hand each item to a program of your own (protocol 1)" }
  /// An entry that works.
  public static var example: String {
    #"{"stage":"external","program":["./blur.py"],"accepts":"image","timeout":10}"#
  }

  private let options: ExternalOptions
  private let pool: ProgramPool

  /// Checks what the options say of the program; starts nothing yet.
  public init(options: ExternalOptions) throws(OptionError) {
    try options.check()
    self.options = options
    pool = ProgramPool(options, accepts: Item.name)
  }

  /// Checks the program's file, starts it once, and exchanges greetings.
  ///
  /// - Throws: `StageFailure` of class fatal: nothing has been read or sent.
  public func prepare() async throws { try pool.prepare() }

  /// Sends the item, waits for its answer, and checks what came back; blocks its thread.
  public func run(_ input: consuming Item.Value, in context: StageContext) throws -> Item.Value {
    let item = try Item(input, options)
    guard item.isWanted else { return item.unchanged }
    switch try pool.answer(to: item, in: context) {
    case .pass: return item.unchanged
    case .result(let answer): return try item.value(from: answer, in: context)
    case .reject(let code, let detail):
      throw StageFailure(.refusedByStage, "\(options.name): \(code): \(detail)")
    }
  }

  /// Closes the programs' input and waits for their end.
  public func finish() async { pool.close() }
}

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

/// What is taken from a program besides the way to more rights.
enum ProgramIsolation: String, CaseIterable {
  case off, network
}

/// What a program may work on, as plans and programs name it.
enum ItemName: String, CaseIterable {
  case file, image, prepared, submission
}
