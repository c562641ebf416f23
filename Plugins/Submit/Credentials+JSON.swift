import IntakeCore

extension Credentials {
  /// Reads a JSON object of texts; `privateKeyFile` is read too and becomes `privateKey`.
  ///
  /// - Parameter keyFolder: where a relative key file starts, nil when there is no such place.
  init(json: [UInt8], keyFolder: String?) throws(StageFailure) {
    let value: JSONValue
    do { value = try JSONParser.parse(json) } catch {
      // The parser's message may quote a field's name; the position says enough.
      throw .credentials(
        "the credentials are no JSON at \(TextPosition(offset: error.offset, in: json))")
    }
    guard let fields = value.fields, !fields.isEmpty else {
      throw .credentials(
        "the credentials are no JSON object of texts",
        hint: #"write {"user":"…","pass":"…"} or {"apiKey":"…","privateKeyFile":"…"}"#)
    }
    var secrets: [String: Secret] = [:]
    for field in fields {
      guard let text = field.value.string, !text.isEmpty, !text.utf8.contains(0) else {
        let place = TextPosition(offset: field.value.offset, in: json)
        throw .credentials("the credentials hold no usable text at \(place)")
      }
      if field.name == "privateKeyFile" {
        secrets["privateKey"] = try Credentials.key(at: text, in: keyFolder)
      } else {
        secrets[field.name] = Secret(text)
      }
    }
    self.init(secrets)
  }

  private static func key(at path: String, in folder: String?) throws(StageFailure) -> Secret {
    if path.hasPrefix("/") {
      return Secret(try SecretFile(path, role: "the privateKeyFile").read())
    }
    guard let folder else {
      throw .credentials(
        "privateKeyFile is relative, and these credentials come from no folder",
        hint: "give its absolute path")
    }
    return Secret(try SecretFile(folder + path, role: "the privateKeyFile").read())
  }
}
