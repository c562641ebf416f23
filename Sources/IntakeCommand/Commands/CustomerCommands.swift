import IntakeCore

/// `docintake customer`: one customer, one request; the vendors of the registry declare the commands.
struct CustomerCommands {
  /// The command of one name, with every vendor that answers it.
  private let offers: [(vendor: Vendor, command: CustomerCommand)]

  /// A command for each name that a vendor declares, in the order of the vendors.
  static func all(_ registry: StageRegistry) -> [CommandSpec] {
    let offers = registry.vendors.flatMap { vendor in
      vendor.commands.map { (vendor: vendor, command: $0) }
    }
    return unique(offers) { $0.command.name }.map { first in
      let name = first.command.name
      return CustomerCommands(offers: offers.filter { $0.command.name == name }).spec(name)
    }
  }

  private static func unique<Value>(_ values: [Value], by name: (Value) -> String) -> [Value] {
    values.reduce(into: []) { kept, value in
      if !kept.contains(where: { name($0) == name(value) }) { kept.append(value) }
    }
  }

  private func spec(_ name: String) -> CommandSpec {
    let commands = offers.map(\.command)
    let options = CustomerCommands.unique(commands.flatMap(\.options)) { $0.name }.map { option in
      let choices = choices(of: option.name)
      return OptionSpec(
        option.name, value: choices.isEmpty ? option.value : nil, choices: choices,
        help: option.help)
    }
    let output = OptionSpec(
      "output", short: "o", value: "DIR", help: "folder for the files, 0600")
    return CommandSpec(
      path: ["customer", name], summary: commands.map(\.summary).joined(separator: "; "),
      options: options + (commands.contains { !$0.images.isEmpty } ? [output] : []) + [
        RunOptions.to, RunOptions.endpoint, RunOptions.credentials, RunOptions.logFormat,
      ],
      examples: commands.compactMap(\.example).map { "docintake customer \(name) \($0)" },
      notes: ["The answer is one JSON object on standard output, personal fields included."]
    ) { arguments, invocation in
      try await run(arguments, invocation)
    }
  }

  /// What any of the vendors takes there; empty where one of them takes any text.
  private func choices(of name: String) -> [String] {
    let lists = offers.flatMap(\.command.options).filter { $0.name == name }.map(\.choices)
    return lists.contains([]) ? [] : CustomerCommands.unique(lists.flatMap(\.self)) { $0 }
  }

  private func run(_ arguments: Arguments, _ invocation: Invocation) async throws -> ExitCode {
    let request = try OneRequest(
      arguments, invocation.registry, answeredBy: offers.map(\.vendor))
    guard let command = offers.first(where: { $0.vendor.name == request.vendor.name })?.command
    else { throw UsageError("no vendor answers this", command: arguments.command) }
    if !command.images.isEmpty, arguments["output"] == nil {
      throw UsageError("--output DIR is missing", command: arguments.command)
    }
    let values = try values(of: command, arguments)
    let submission: Submission
    do throws(StageFailure) {
      submission = try command.request(values)
    } catch {
      throw UsageError(error.detail, hint: error.hint)
    }
    return try await request.ask(submission).write(
      to: invocation.results, images: command.images, folder: arguments["output"])
  }

  private func values(of command: CustomerCommand, _ arguments: Arguments) throws(UsageError)
    -> [String: String]
  {
    var values: [String: String] = [:]
    for option in command.options {
      guard let given = arguments[option.name] else {
        throw UsageError("--\(option.name) is missing", command: arguments.command)
      }
      let isInput = option.readsInput && given == "-"
      let value = isInput ? readLine() ?? "" : given
      guard option.choices.isEmpty || option.choices.contains(value) else {
        throw UsageError(
          "--\(option.name) takes \(option.choices.joined(separator: ", "))",
          command: arguments.command)
      }
      values[option.name] = value
    }
    return values
  }
}
