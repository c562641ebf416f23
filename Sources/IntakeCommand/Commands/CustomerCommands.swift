import DCAMSStage
import IntakeCore
import NoahStage

/// `docintake customer`: one customer, one request.
enum CustomerCommands {
  static let all = [status, images, setStatus, get]

  private static let email = OptionSpec(
    "email", value: "E|-",
    help: "the customer; - reads it from standard input, to keep it out of argv")
  private static let common = [
    RunOptions.to, RunOptions.endpoint, RunOptions.credentials, RunOptions.logFormat,
  ]
  private static let note =
    "The answer is one JSON object on standard output, personal fields included."

  static let status = CommandSpec(
    path: ["customer", "status"], summary: "ask for the status of one customer (DCAMS getStatus)",
    options: [email] + common,
    examples: ["docintake customer status --email - --credentials dcams.json < email.txt"],
    notes: [note]
  ) { arguments, invocation in
    let request = OneRequest(arguments, invocation, vendor: "dcams")
    let answer = try await request.ask(DCAMS.getStatus(email: try address(arguments)))
    return answer.write(to: invocation.results)
  }

  static let images = CommandSpec(
    path: ["customer", "images"],
    summary: "fetch the images of one customer (DCAMS getDocumentImages)",
    options: [
      email, OptionSpec("output", short: "o", value: "DIR", help: "folder for the files, 0600"),
    ]
      + common,
    notes: [note]
  ) { arguments, invocation in
    guard let folder = arguments["output"] else {
      throw UsageError("--output DIR is missing", command: arguments.command)
    }
    let request = OneRequest(arguments, invocation, vendor: "dcams")
    let answer = try await request.ask(DCAMS.getDocumentImages(email: try address(arguments)))
    return try answer.writingImages(to: folder).write(to: invocation.results)
  }

  static let setStatus = CommandSpec(
    path: ["customer", "set-status"],
    summary: "set the status of one customer (DCAMS updateStatus)",
    options: [
      email, OptionSpec("status", choices: ["PASS", "PENDING", "FAIL"], help: "the new status"),
    ] + common, notes: [note]
  ) { arguments, invocation in
    guard let status = arguments["status"] else {
      throw UsageError("--status is missing", command: arguments.command)
    }
    let request = OneRequest(arguments, invocation, vendor: "dcams")
    let submission = DCAMS.updateStatus(email: try address(arguments), status: status)
    return try await request.ask(submission).write(to: invocation.results)
  }

  static let get = CommandSpec(
    path: ["customer", "get"], summary: "ask for one customer (Noah GET customer)",
    options: [OptionSpec("id", value: "ID", help: "the customer's id")] + common, notes: [note]
  ) { arguments, invocation in
    guard let id = arguments["id"] else {
      throw UsageError("--id is missing", command: arguments.command)
    }
    let request = OneRequest(arguments, invocation, vendor: "noah")
    let submission: Submission
    do throws(StageFailure) {
      submission = try Noah.getCustomer(id: id)
    } catch {
      throw UsageError(error.detail, hint: error.hint)
    }
    return try await request.ask(submission).write(to: invocation.results)
  }

  private static func address(_ arguments: Arguments) throws(UsageError) -> String {
    guard let given = arguments["email"] else {
      throw UsageError("--email is missing", command: arguments.command)
    }
    let text = given == "-" ? readLine() ?? "" : given
    let address = text.trimming { $0.isWhitespace }
    guard address.contains("@"), address.utf8.count <= 254 else {
      throw UsageError("--email is no e-mail address", command: arguments.command)
    }
    return address
  }
}

extension String {
  /// The text without leading and trailing characters of a kind.
  fileprivate func trimming(_ isDropped: (Character) -> Bool) -> String {
    let start = drop(while: isDropped)
    return String(start.reversed().drop(while: isDropped).reversed())
  }
}
