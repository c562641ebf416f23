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
        help: option.help)
    }
    let output = OptionSpec(
      "output", short: "o", value: "DIR", help: "folder for the files, 0600")
    return CommandSpec(
      path: ["customer", name], summary: commands.map(\.summary).joined(separator: "; "),
      options: options + (commands.contains { !$0.images.isEmpty } ? [output] : []) + [
        RunOptions.to, RunOptions.endpoint, RunOptions.credentials,
      ] + RunOptions.networkOptions + [RunOptions.logFormat],
      examples: commands.compactMap(\.example).map { "docintake customer \(name) \($0)" },
      notes: ["The answer is one JSON object on standard output, personal fields included."],
      run: run)
  }

  /// What any of the vendors takes there; empty where one of them takes any text.
  private func choices(of name: String) -> [String] {
    let lists = offers.flatMap(\.command.options).filter { $0.name == name }.map(\.choices)
    return lists.contains([]) ? [] : lists.joined().unique(by: \.self)
  }

  @Sendable private func run(_ arguments: Arguments, _ invocation: Invocation) async throws
    -> ExitCode
  {
    let request = try OneRequest(
      arguments, invocation.registry, answeredBy: offers.map(\.vendor))
    guard let command = offers.first(where: { $0.vendor.name == request.vendor.name })?.command
    else { throw CommandError("no vendor answers this", in: arguments.command) }
    if !command.images.isEmpty, arguments["output"] == nil {
      throw CommandError("--output DIR is missing", in: arguments.command)
    }
    let submission = try command.request(values(of: command, arguments))
    return try await request.ask(submission).write(
      to: invocation.results, images: command.images, folder: arguments["output"])
  }

  private func values(of command: CustomerCommand, _ arguments: Arguments) throws(CommandError)
    -> [String: String]
  {
    var values: [String: String] = [:]
    for option in command.options {
      guard let given = arguments[option.name] else {
        throw CommandError("--\(option.name) is missing", in: arguments.command)
      }
      let value = option.readsInput && given == "-" ? readLine() ?? "" : given
      guard option.choices.isEmpty || option.choices.contains(value) else {
        throw CommandError(
          "--\(option.name) takes \(option.choices.joined(separator: ", "))",
          in: arguments.command)
      }
      values[option.name] = value
    }
    return values
  }
}
