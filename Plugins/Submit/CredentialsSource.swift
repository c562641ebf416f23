public import IntakeCore
import IntakeSystem

/// Where the credentials come from: a file, an open descriptor, or a command that prints them.
public enum CredentialsSource {
  /// More than any key file; a larger one is a mistake.
  static let sizeLimit = 65_536
  /// Seconds that a command or a pipe may take: somebody may have to touch a hardware key first.
  static let patience = 10.0

  /// Reads `FILE`, `fd:N` or `command:…`, as `--credentials` takes them, private key included; blocks for up to 10 s.
  public static func read(_ source: String) throws(StageFailure) -> Credentials {
    if source.hasPrefix("fd:") {
      guard let number = Int32(source.dropFirst(3)), number >= 0, number != 1, number != 2 else {
        throw .credentials("fd: takes the number of a descriptor that is open for reading")
      }
      let secret = SecretDescriptor(number: number, name: "descriptor \(number)")
      return try Credentials(json: try secret.content(), keyFolder: nil)
    }
    if source.hasPrefix("command:") {
      let command = String(source.dropFirst(8))
      guard !command.allSatisfy(\.isWhitespace) else {
        throw .credentials("command: needs a command behind the colon")
      }
      return try Credentials(json: try output(of: command, seconds: patience), keyFolder: nil)
    }
    guard !source.isEmpty, !source.utf8.contains(0) else {
      throw .credentials("--credentials names no file")
    }
    return try Credentials(
      json: try SecretFile(path: source).read(), keyFolder: SecretFile.folder(of: source))
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
      switch field.name {
      case "proxy":
        for inner in try Credentials.proxyFields(field.value) {
          let text = try Credentials.text(of: inner, in: json)
          secrets[Credentials.proxyPrefix + inner.name] = Secret(text)
        }
      case "privateKeyFile":
        let path = try Credentials.text(of: field, in: json)
        secrets["privateKey"] = try Credentials.key(at: path, in: keyFolder)
      default: secrets[field.name] = Secret(try Credentials.text(of: field, in: json))
      }
    }
    self.init(secrets)
  }

  private static func proxyFields(_ value: JSONValue) throws(StageFailure) -> [JSONField] {
    let fields = value.fields ?? []
    guard Set(fields.map(\.name)) == ["user", "pass"] else {
      throw .credentials(
        "\"proxy\" in the credentials isn't an object of \"user\" and \"pass\"",
        hint: #"write "proxy":{"user":"…","pass":"…"}; the proxy's address goes into --proxy"#)
    }
    return fields
  }

  private static func text(of field: JSONField, in json: [UInt8]) throws(StageFailure) -> String {
    guard let text = field.value.string, !text.isEmpty, !text.utf8.contains(0) else {
      let place = TextPosition(offset: field.value.offset, in: json)
      throw .credentials("the credentials hold no usable text at \(place)")
    }
    return text
  }

  /// What the names of the proxy's secrets start with.
  static let proxyPrefix = "proxy."

  /// Those for the target, nil when there are none: the proxy's are none of its business.
  var withoutProxy: Credentials? {
    var secrets: [String: Secret] = [:]
    for name in names where !name.hasPrefix(Credentials.proxyPrefix) { secrets[name] = self[name] }
    return secrets.isEmpty ? nil : Credentials(secrets)
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
