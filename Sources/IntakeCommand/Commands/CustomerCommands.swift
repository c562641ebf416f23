import IntakeCore
import IntakeRunner
import IntakeSystem

/// `docintake customer`: one customer, one request; the vendors of the registry declare the commands.
struct CustomerCommands {
  /// The command of one name, with every vendor that answers it.
  private let offers: [(vendor: Vendor, command: CustomerCommand)]

  /// A command for each name that a vendor declares, in the order of the vendors.
  static func all(_ registry: StageRegistry) -> [CommandSpec] {
    let offers = registry.vendors.flatMap { vendor in
      vendor.commands.map { (vendor: vendor, command: $0) }
    }
    return offers.map(\.command.name).unique(by: \.self).map { name in
      CustomerCommands(offers: offers.filter { $0.command.name == name }).spec(name)
    }
  }

  private func spec(_ name: String) -> CommandSpec {
    let commands = offers.map(\.command)
    let options = commands.flatMap(\.options).unique(by: \.name).map { option in
      let choices = choices(of: option.name)
      return OptionSpec(
        option.name, value: choices.isEmpty ? option.value : nil, choices: choices,
        place: .commandLine, help: option.help)
    }
    let output = OptionSpec(
      "output", short: "o", value: "DIR", place: .commandLine, help: "folder for the files, 0600")
    return CommandSpec(
      path: ["customer", name], summary: commands.map(\.summary).joined(separator: "; "),
      options: options + (commands.contains { !$0.images.isEmpty } ? [output] : [])
        + CustomerCommands.rowOptions + [
          RunOptions.to, RunOptions.endpoint, RunOptions.credentials,
        ] + RunOptions.networkOptions + [RunOptions.logFormat],
      examples: commands.compactMap(\.example).map { "docintake customer \(name) \($0)" },
      notes: ["The answer is one JSON object on standard output, personal fields included."],
      run: run)
  }

  /// A customer as a row of a manifest.
  private static let rowOptions =
    [
      OptionSpec(
        "manifest", value: "FILE", place: .commandLine,
        help: "the customer is a row of this manifest, named by --row"),
      OptionSpec("row", value: "ID", place: .commandLine, help: "the row's id, or reference"),
    ]
    + RunOptions.manifestOptions.filter { readingOptions.contains($0.name) }
  private static let readingOptions: Set<String> = [
    "format", "encoding", "null", "map", "map-known", "ignore-column",
  ]

  /// What any of the vendors takes there; empty where one of them takes any text.
  private func choices(of name: String) -> [String] {
    let lists = offers.flatMap(\.command.options).filter { $0.name == name }.map(\.choices)
    return lists.contains([]) ? [] : lists.joined().unique(by: \.self)
  }

  @Sendable private func run(_ arguments: Arguments, _ invocation: Invocation) async throws
    -> ExitCode
  {
    guard arguments.has("row") == arguments.has("manifest") else {
      throw arguments.usageError("--manifest and --row belong together")
    }
    let request = try OneRequest(
      arguments, invocation.registry, answeredBy: offers.map(\.vendor))
    guard let command = offers.first(where: { $0.vendor.name == request.vendor.name })?.command
    else { throw arguments.usageError("no vendor answers this") }
    if !command.images.isEmpty, arguments["output"] == nil {
      throw arguments.usageError("--output DIR is missing")
    }
    let record = try await request.record(arguments)
    let submission = try command.request(values(of: command, arguments, record))
    if let folder = arguments["output"] { try OneAnswer.prepare(folder) }
    return try await request.ask(submission).write(
      to: invocation.results, images: command.images, folder: arguments["output"])
  }

  private func values(
    of command: CustomerCommand, _ arguments: Arguments, _ record: IntakeRecord?
  ) throws(CommandError) -> [String: String] {
    var values: [String: String] = [:]
    for option in command.options {
      if record != nil, option.inRow != nil, arguments.has(option.name) {
        throw arguments.usageError(
          "--\(option.name) and --row each name a customer: give one of them")
      }
      guard let given = arguments[option.name] ?? record.flatMap({ option.inRow?($0) }) else {
        let row = option.inRow == nil ? "" : ", or --manifest FILE and --row ID"
        throw arguments.usageError("--\(option.name) is missing\(row)")
      }
      let value = option.readsInput && given == "-" ? readLine() ?? "" : given
      guard option.choices.isEmpty || option.choices.contains(value) else {
        throw arguments.usageError(
          "--\(option.name) takes \(option.choices.joined(separator: ", "))")
      }
      values[option.name] = value
    }
    return values
  }
}

/// Sends one request outside of any batch and brings back the answer; nothing is recorded.
struct OneRequest {
  let vendor: Vendor
  private let editing: PlanEditing

  /// Takes the vendor that `--to` names, or the first of those that answer.
  init(_ arguments: Arguments, _ registry: StageRegistry, answeredBy vendors: [Vendor]) throws {
    var arguments = arguments.defaulting("to", to: vendors.first?.name)
    if let manifest = arguments["manifest"] { arguments = arguments.reading(manifest) }
    var editing = try PlanEditing(arguments, registry)
    guard let vendor = vendors.first(where: { $0.name == editing.vendor?.name }) else {
      let names = vendors.map(\.name).joined(separator: " and ")
      let verb = vendors.count == 1 ? "answers" : "answer"
      throw arguments.usageError("--to: only \(names) \(verb) this, and the target is another")
    }
    guard !editing.wantsSandbox else {
      throw CommandError(
        .usage, "the embedded sandbox has no customers: ask one that is running",
        hint: "start `docintake sandbox`, and give --endpoint with the address that it prints")
    }
    try editing.completeCredentials(for: arguments["to"])
    self.vendor = vendor
    self.editing = editing
  }

  /// The record of the row that `--row` names, nil where none is named.
  ///
  /// Reads the manifest to its end: where two rows have that id, nobody knows which customer is meant.
  func record(_ arguments: Arguments) async throws -> IntakeRecord? {
    guard let id = arguments["row"] else { return nil }
    let shown = Sanitizer.clean(id, limit: 60)
    let rows = try await editing.registry.assemble(editing.plan).loader.rows()
    var found: LoadedRow?
    while let row = try await rows.next() {
      guard row.record.row.label == id else { continue }
      if let found {
        throw CommandError(
          .notAccepted,
          "the rows at lines \(found.record.row.line) and \(row.record.row.line) have the id \(shown)",
          hint: "name the customer instead, as the command's help shows")
      }
      found = row
    }
    guard let found else {
      throw CommandError(
        .notAccepted, "the manifest has no row with the id \(shown)",
        hint: "give the id, or the reference where rows have no id")
    }
    if let failure = found.failures.first {
      throw CommandError(
        .notAccepted,
        "line \(found.record.row.line) (\(shown)): \(failure.code): \(failure.detail)",
        hint: failure.hint)
    }
    return found.record
  }

  /// Sends the request; all of it on a thread that may block, because reading credentials may wait for 10 s too.
  func ask(_ submission: Submission) async throws -> OneAnswer {
    let submitter = try editing.registry.assemble(editing.plan).submitter
    let pool = try WorkerPool(threads: 1)
    defer { pool.stop() }
    return try await withTaskExecutorPreference(pool) {
      let response: HTTPResponse
      do {
        try await submitter.prepare()
        try submitter.check(submission.target)
        let context = StageContext(row: RowReference(line: 0), time: SystemTime.wall)
        response = try await submitter.ask(submission, in: context)
      } catch {
        await submitter.finish()
        let receipt = error as? Receipt ?? (error as? StageFailure).map { Receipt($0) }
        throw receipt.map { CommandError(of: $0, to: submission) } ?? error
      }
      await submitter.finish()
      return try OneAnswer(response, to: submission, hidingSecrets: submitter.hidingSecrets)
    }
  }
}

struct OneAnswer {
  private let code: ExitCode
  private let body: JSONValue
  /// The body without the credentials.
  private let shown: JSONOutput

  /// Makes the folder for the images before anything is sent; those of an earlier answer are never overwritten.
  static func prepare(_ folder: String) throws(CommandError) {
    for side in Side.allCases {
      for suffix in ["jpg", "png"] {
        let path = "\(folder)/\(side.rawValue).\(suffix)"
        guard !DurableFile.exists(path) else {
          throw CommandError(.usage, "\(Sanitizer.clean(path)) is there already", hint: folderHint)
        }
      }
    }
    try CommandError.writing(folder, hint: folderHint) { try DurableFile.makeFolder(folder) }
  }

  private static let folderHint = "give --output with a folder that holds no images yet"

  init(
    _ response: HTTPResponse, to submission: Submission, hidingSecrets: (String) -> String
  ) throws(CommandError) {
    var receipt = submission.target.receipt(for: response, to: submission)
    receipt.http = response.status
    guard let body = try? JSONParser.parse(response.body) else {
      throw CommandError(of: receipt, to: submission)
    }
    let isAccepted = receipt.outcome == .accepted
    self.body = body
    code = isAccepted ? .success : ExitCode(of: receipt, to: submission)
    shown = JSONOutput(body).replacingTexts { text in
      // What a customer is called may also be part of a secret; a refusal may repeat the whole request.
      let hidden = hidingSecrets(text)
      let isSecret =
        isAccepted ? hidden == TextMask.mark : hidden.contains(TextMask.mark)
      return isSecret ? hidden : text
    }
  }

  /// Writes the answer as one line; the images at that path go to files instead.
  func write(to results: ResultWriter, images path: [String], folder: String?) throws(CommandError)
    -> ExitCode
  {
    var shown = shown
    if code == .success, let folder, let images = path.reduce(body, { $0?[$1] }) {
      shown = shown.replacing(path[...], with: try write(images, to: folder))
    }
    results.writeLine(shown.text)
    return code
  }

  /// Writes `front.jpg`, `back.png` and so on (0600), and returns what was written.
  private func write(_ images: JSONValue, to folder: String) throws(CommandError) -> JSONOutput {
    var written: JSONFields = []
    for side in Side.allCases {
      guard let text = images[side.rawValue]?.string, !text.isEmpty else { continue }
      guard let bytes = Base64Text.decode(text), let format = ImageFormat(recognizing: bytes) else {
        throw CommandError(
          .notAccepted, "the \(side.rawValue) in the answer isn't a JPEG or PNG in base64")
      }
      let path = "\(folder)/\(side.rawValue).\(format == .jpeg ? "jpg" : "png")"
      try CommandError.naming("\(Sanitizer.clean(path)) cannot be written", .notAccepted) {
        try DurableFile.create(path, bytes)
      }
      let file: JSONFields = [("file", path), ("format", format.rawValue), ("bytes", bytes.count)]
      written.append((side.rawValue, JSONOutput(fields: file)))
    }
    return JSONOutput(fields: written)
  }
}

extension JSONOutput {
  /// The same with other texts; names of fields stay.
  fileprivate func replacingTexts(_ change: (String) -> String) -> JSONOutput {
    switch self {
    case .string(let text): .string(change(text))
    case .array(let elements): .array(elements.map { $0.replacingTexts(change) })
    case .object(let fields): .object(fields.map { ($0.0, $0.1.replacingTexts(change)) })
    default: self
    }
  }

  /// The same with another value at a path of field names, which moves to the end of its object.
  fileprivate func replacing(_ path: ArraySlice<String>, with value: JSONOutput) -> JSONOutput {
    guard case .object(let fields) = self, let name = path.first else { return self }
    guard path.count > 1 else { return .object(fields.filter { $0.0 != name } + [(name, value)]) }
    return .object(
      fields.map { ($0.0, $0.0 == name ? $0.1.replacing(path.dropFirst(), with: value) : $0.1) })
  }
}
