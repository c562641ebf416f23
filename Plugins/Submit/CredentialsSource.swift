public import IntakeCore
import IntakeSystem

/// Where the operator keeps the credentials: a file, an open descriptor, or a command that prints them.
public enum CredentialsSource: Sendable, Equatable {
  /// A file that only its owner can read.
  case file(String)
  /// A descriptor that is open for reading.
  case descriptor(Int32)
  /// A command that prints them.
  case command(String)

  /// More than any key file; a larger one is a mistake.
  static let sizeLimit = 65_536
  /// Seconds that a command or a pipe may take: somebody may have to touch a hardware key first.
  static let patience = 10.0

  /// Reads `FILE`, `fd:N` or `command:…`, as `--credentials` takes them.
  public init(_ text: String) throws(StageFailure) {
    if text.hasPrefix("fd:") {
      guard let number = Int32(text.dropFirst(3)), number >= 0, number != 1, number != 2 else {
        throw .credentials("fd: takes the number of a descriptor that is open for reading")
      }
      self = .descriptor(number)
    } else if text.hasPrefix("command:") {
      guard !text.dropFirst(8).allSatisfy(\.isWhitespace) else {
        throw .credentials("command: needs a command behind the colon")
      }
      self = .command(String(text.dropFirst(8)))
    } else {
      guard !text.isEmpty, !text.utf8.contains(0) else {
        throw .credentials("--credentials names no file")
      }
      self = .file(text)
    }
  }

  /// Reads the source to its end, private key included; blocks for up to 10 s.
  public func read() throws(StageFailure) -> Credentials {
    switch self {
    case .file(let path):
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./"
      return try Credentials(json: try SecretFile(path: path).read(), keyFolder: folder)
    case .descriptor(let number):
      let secret = SecretDescriptor(number: number, name: "descriptor \(number)")
      return try Credentials(json: try secret.content(), keyFolder: nil)
    case .command(let command):
      let output = try CredentialsSource.output(of: command, seconds: CredentialsSource.patience)
      return try Credentials(json: output, keyFolder: nil)
    }
  }

  /// What a command prints in `/bin/sh`: a password manager, a vault client, `cat`.
  static func output(of command: String, seconds: Double) throws(StageFailure) -> [UInt8] {
    let launch = ProgramLaunch(
      ["/bin/sh", "-c", command], environment: ProgramLaunch.cleanEnvironment())
    let outcome: ProgramOutcome
    do throws(SystemCallFailure) {
      outcome = try launch.run(outputLimit: sizeLimit, seconds: seconds)
    } catch {
      throw .credentials("/bin/sh cannot be started: \(error.reason)")
    }
    let ending =
      switch outcome.end {
      case .success(let status): status.description
      case .failure(.flooded): "printed more than \(sizeLimit) bytes"
      case .failure: "was stopped after \(Int(seconds)) s"
      }
    guard case .success(.exited(0)) = outcome.end else {
      let said = String(decoding: outcome.errors, as: UTF8.self)
      let words = said.isEmpty ? "" : ": " + Sanitizer.clean(said)
      throw .credentials("the credentials command \(ending)\(words)")
    }
    return try SecretDescriptor.trimmed(
      outcome.output, name: "the output of the credentials command")
  }
}

extension Credentials {
  /// Reads a JSON object of texts; `privateKeyFile` is read too and becomes `privateKey`.
  ///
  /// - Parameter keyFolder: where the path of a key file starts, nil when it has to be absolute.
  init(json: [UInt8], keyFolder: String?) throws(StageFailure) {
    let value: JSONValue
    do { value = try JSONParser.parse(json) } catch {
      // The parser's message may quote a field's name; the position says enough.
      throw .credentials(
        "the credentials aren't valid JSON at \(TextPosition(offset: error.offset, in: json))")
    }
    guard let fields = value.fields, !fields.isEmpty else {
      throw .credentials(
        "the credentials aren't a JSON object of texts",
        hint: #"write {"user":"…","pass":"…"} or {"apiKey":"…","privateKeyFile":"…"}"#)
    }
    var secrets: [String: Secret] = [:]
    for field in fields {
      if field.name == Credentials.proxyField {
        for (name, secret) in try Credentials.proxy(field.value, in: json) {
          secrets[Credentials.proxyPrefix + name] = secret
        }
        continue
      }
      let text = try Credentials.text(of: field, in: json)
      if field.name == "privateKeyFile" {
        secrets["privateKey"] = try Credentials.key(at: text, in: keyFolder)
      } else {
        secrets[field.name] = Secret(text)
      }
    }
    self.init(secrets)
  }

  private static func proxy(_ value: JSONValue, in json: [UInt8]) throws(StageFailure)
    -> [String: Secret]
  {
    let fields = value.fields ?? []
    guard Set(fields.map(\.name)) == ["user", "pass"] else {
      throw .credentials(
        "\"proxy\" in the credentials isn't an object of \"user\" and \"pass\"",
        hint: #"write "proxy":{"user":"…","pass":"…"}; the proxy's address goes into --proxy"#)
    }
    var secrets: [String: Secret] = [:]
    for field in fields { secrets[field.name] = Secret(try text(of: field, in: json)) }
    return secrets
  }

  private static func text(of field: JSONField, in json: [UInt8]) throws(StageFailure) -> String {
    guard let text = field.value.string, !text.isEmpty, !text.utf8.contains(0) else {
      let place = TextPosition(offset: field.value.offset, in: json)
      throw .credentials("the credentials hold no usable text at \(place)")
    }
    return text
  }

  private static let proxyField = "proxy"
  private static let proxyPrefix = "proxy."

  /// Those for the target, nil when there are none, and those for the proxy, which are none of the target's business.
  var withoutProxy: (target: Credentials?, proxy: Credentials?) {
    var (target, proxy): ([String: Secret], [String: Secret]) = ([:], [:])
    for name in names {
      guard name.hasPrefix(Credentials.proxyPrefix) else {
        target[name] = self[name]
        continue
      }
      proxy[String(name.dropFirst(Credentials.proxyPrefix.count))] = self[name]
    }
    return (
      target.isEmpty ? nil : Credentials(target), proxy.isEmpty ? nil : Credentials(proxy)
    )
  }

  private static func key(at path: String, in folder: String?) throws(StageFailure) -> Secret {
    guard let folder = path.hasPrefix("/") ? "" : folder else {
      throw .credentials(
        "privateKeyFile is relative, and these credentials come from no folder",
        hint: "give its absolute path")
    }
    return Secret(try SecretFile(path: folder + path, role: "the privateKeyFile").read())
  }
}

extension StageFailure {
  /// Credentials that cannot be used; never repeats what they hold.
  static func credentials(_ detail: String, hint: String? = nil) -> StageFailure {
    StageFailure(
      .credentialsRefused, detail, hint: hint ?? "correct --credentials; nothing was sent",
      outcome: .fatal)
  }
}
