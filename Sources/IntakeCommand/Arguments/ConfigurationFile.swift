import IntakeCore
import IntakeSystem
import IntakeTransport

/// An option's value from a file of settings or from the environment.
struct Setting {
  let option: OptionSpec
  /// The texts that would be typed; none for a flag that is turned off.
  let values: [String]
  /// The variable or the file that it is from; the profile in it.
  let source: String
  var line: Int?
  var profile: String?

  /// The same without the line.
  var sourceText: String {
    Sanitizer.clean(source) + (profile.map { " (profile \(Sanitizer.clean($0)))" } ?? "")
  }

  /// `DOCINTAKE_RATE`, or `/batch/.docintake.json:3, profile prod`.
  var origin: String {
    Sanitizer.clean(source) + (line.map { ":\($0)" } ?? "")
      + (profile.map { ", profile \(Sanitizer.clean($0))" } ?? "")
  }
}

// Settings that belong together: those of a file, of a profile in it, or of the environment.
extension [Setting] {
  /// The target that they are for, nil where they are for any.
  var target: String? { first { $0.option.name == "to" }?.values.first }

  /// Refuses settings that belong to one target where no target is named.
  func check() throws(CommandError) {
    let bound = first { $0.option.place == .besideTarget }
    guard target == nil, let bound else { return }
    throw CommandError(
      .usage,
      "\(bound.origin): \(bound.option.name) belongs to one target, and none is named beside it",
      hint: "name the target there as well, as \"to\" (DOCINTAKE_TO in the environment)")
  }

  func applying(to target: String?) -> [Setting] {
    let isOther = self.target != nil && self.target != target
    return filter { !isOther || ($0.option.place == .anywhere && $0.option.name != "to") }
  }
}

/// A file of settings: `.docintake.json` of a project, or the user's own.
struct ConfigurationFile {
  let path: String
  private(set) var general: [Setting] = []
  private(set) var profiles: [(name: String, settings: [Setting])] = []
  /// The profile that counts where none is asked for.
  private(set) var profile: String?
  private let known: [OptionSpec]
  /// Whether it was found beside the manifest, and may have come with it.
  private let isFound: Bool
  private let bytes: [UInt8]

  /// Reads a file that nobody but its owner may write; an error names the file and the line.
  init(_ path: String, isFound: Bool, known: [OptionSpec]) throws(CommandError) {
    (self.path, self.isFound, self.known) = (path, isFound, known)
    let shown = Sanitizer.clean(path)
    do throws(ProgramTrust.Problem) {
      try ProgramTrust.check(path, isStarted: false)
    } catch {
      throw CommandError(
        .usage, "\(shown): \(error.description)",
        hint: error.hint + "; --config none goes on without it")
    }
    bytes = try CommandError.naming(shown, hint: "--config none goes on without it") {
      // Settings are a page of text: more than a megabyte is something else.
      try Descriptor.open(path).wholeFile(atMost: 1 << 20)
    }
    let value: JSONValue
    do throws(JSONParser.Failure) {
      value = try JSONParser.parse(bytes)
    } catch {
      let place = TextPosition(offset: error.offset, in: bytes)
      throw CommandError(.usage, "\(shown): \(place): \(error.message)")
    }
    try read(value)
  }

  private mutating func read(_ value: JSONValue) throws(CommandError) {
    for field in try fields(of: value, "the settings are") {
      switch field.name {
      case "profile":
        guard let name = field.value.string else { throw refusal(field, "takes a profile's name") }
        profile = name
      case "profiles":
        for entry in try fields(of: field.value, "\"profiles\" is") {
          var settings: [Setting] = []
          for field in try fields(of: entry.value, "a profile is") {
            settings.append(try setting(field, in: entry.name))
          }
          try settings.check()
          profiles.append((entry.name, settings))
        }
      default: general.append(try setting(field))
      }
    }
    try general.check()
  }

  private func fields(of value: JSONValue, _ what: String) throws(CommandError) -> [JSONField] {
    guard let fields = value.fields else {
      throw CommandError(.usage, "\(place(value.offset)): \(what) \(value.kindName), not an object")
    }
    return fields
  }

  private func setting(_ field: JSONField, in profile: String? = nil) throws(CommandError)
    -> Setting
  {
    guard let option = known.first(where: { $0.name == field.name }) else {
      guard !SecretWords.isName(field.name) else { throw SecretWords.refusal(place(field.offset)) }
      let names = known.map(\.name) + ["profile", "profiles"]
      throw CommandError(
        .usage, "\(place(field.offset)): there is no setting \(field.name.quoted(known: names))",
        hint:
          "settings are options of run and check by their long names; see docintake help configuration"
      )
    }
    guard option.place != .commandLine else {
      throw refusal(field, "is about one run: say it on the command line")
    }
    let origin = place(field.offset)
    let line = TextPosition(offset: field.offset, in: bytes).line
    func made(_ values: [String]) -> Setting {
      Setting(option: option, values: values, source: path, line: line, profile: profile)
    }
    if option.value == nil {
      guard let isOn = field.value.bool else { throw refusal(field, "takes true or false") }
      return made(isOn ? [""] : [])
    }
    let list = option.isRepeatable ? field.value.elements ?? [field.value] : [field.value]
    var values: [String] = []
    for element in list {
      guard let text = element.plainText else {
        if option.name == "credentials" { throw SecretWords.refusal(origin) }
        throw refusal(field, "takes a text" + (option.isRepeatable ? " or a list of texts" : ""))
      }
      try option.check(text, origin)
      if isFound, option.reachesOut(text) {
        // Whoever packs a batch would choose what runs here, and where customers are sent.
        throw CommandError(
          .usage,
          "\(origin): \(field.name.quoted()) cannot say this in a file beside the manifest, which may have come with it",
          hint:
            "write it into your own file (docintake help configuration), or give --config \(ShellText.quoted(path))"
        )
      }
      values.append(option.startsAt(DurableFile.folder(of: path), text))
    }
    return made(values)
  }

  private func refusal(_ field: JSONField, _ words: String) -> CommandError {
    CommandError(.usage, "\(place(field.offset)): \(field.name.quoted()) \(words)")
  }

  /// `/home/ann/batch/.docintake.json:3`.
  private func place(_ offset: Int) -> String {
    "\(Sanitizer.clean(path)):\(TextPosition(offset: offset, in: bytes).line)"
  }
}

extension JSONValue {
  /// A text, or a number as it is written.
  fileprivate var plainText: String? {
    if case .number(let text) = kind { return text }
    return string
  }
}

extension OptionSpec {
  /// Refuses a value that no command would take, or that is a secret.
  func check(_ text: String, _ origin: String) throws(CommandError) {
    if SecretWords.holdsSecret(text, of: name) { throw SecretWords.refusal(origin) }
    if let problem = problem(with: text) { throw CommandError(.usage, "\(origin): \(problem)") }
    // These have options of their own, with rules of their own.
    let place = text.halves(at: "=")?.0.halves(at: ".")
    if name == "set", let (stage, option) = place,
      ["submit", "record"].contains(stage) || ["endpoint", "credentials"].contains(option)
    {
      throw CommandError(
        .usage, "\(origin): \"set\" cannot say what \(stage).\(option) is",
        hint: "write \"\(option)\" as a setting of its own, or give it on the command line")
    }
  }

  /// Whether a value could start a program, write or read a file elsewhere, send customers to another machine than the
  /// target's or twice, or have scans decoded outside the sandbox of a process.
  fileprivate func reachesOut(_ text: String) -> Bool {
    switch name {
    case "notify", "metrics", "log-file", "ca-file": return true
    case "credentials": return text.hasPrefix("command:")
    case "to": return text.hasSuffix(".json") || text.contains("/")
    case "endpoint": return (try? Endpoint(text))?.isLoopback != true
    case "proxy": return text != "env" && text != "none"
    case "isolation": return text == "off"
    case "ambiguous": return text == "resend"
    case "images-root":
      return text.hasPrefix("/") || text.hasPrefix("~") || text.split(separator: "/").contains("..")
    default: return false
    }
  }

  /// The value from a file in that folder: a path starts there.
  fileprivate func startsAt(_ folder: String, _ text: String) -> String {
    let isPlan = text.hasSuffix(".json") || text.contains("/")
    switch completion {
    case .files, .folders, .ledgers: break
    case .targets where isPlan: break
    default: return text
    }
    if text.hasPrefix("~/"), let home = Terminal.environment("HOME") {
      return home + text.dropFirst()
    }
    let isElsewhere = ["/", "fd:", "command:"].contains { text.hasPrefix($0) }
    return isElsewhere || text.isEmpty ? text : "\(folder)/\(text)"
  }
}

/// What looks like credentials where only a reference to them may stand.
private enum SecretWords {
  private static let names = [
    "user", "username", "pass", "password", "passwd", "apikey", "api-key", "api_key", "token",
    "secret", "privatekey", "private-key", "privatekeyfile",
  ]

  static func isName(_ text: String) -> Bool { names.contains(text.lowercased()) }

  /// Whether the value of an option holds a secret itself.
  static func holdsSecret(_ text: String, of option: String) -> Bool {
    switch option {
    case "credentials":
      // Anything but a file's name, a descriptor or a command: JSON, a key, `user:password`.
      if text.hasPrefix("fd:") || text.hasPrefix("command:") { return false }
      return text.contains("{") || text.contains("-----") || text.contains("\n")
        || (text.contains(":") && !text.contains("/"))
    case "endpoint", "proxy":
      // A URL with a user and a password.
      guard let host = text.firstRange(of: "://") else { return false }
      return text[host.upperBound...].prefix { $0 != "/" }.contains("@")
    default: return false
    }
  }

  /// The value stays unsaid.
  static func refusal(_ origin: String) -> CommandError {
    CommandError(
      .usage, "\(origin): credentials themselves don't belong here",
      hint:
        "put them into a file of their own (chmod 600) and name it: \"credentials\": \"FILE\", or \"fd:N\" or "
        + "\"command:…\"; see docintake help credentials")
  }
}
