import IntakeCore

extension NoahTarget {
  /// Finds what Noah would answer with 401 or 404, before anything is sent.
  func check(_ credentials: Credentials?, for endpoint: String) throws(StageFailure) {
    let endpoint = NoahEndpoint(endpoint)
    guard endpoint.namesVersion else {
      throw StageFailure(
        .wrongEndpoint, "the endpoint of Noah ends in its version, and this one does not",
        hint: "write https://api.noah.com/v1 or https://api.sandbox.noah.com/v1", outcome: .fatal)
    }
    guard credentials != nil else {
      throw NoahTarget.refusal(
        #"--credentials is missing: noah needs a file that holds {"apiKey":"…","privateKeyFile":"…"}"#,
        hint: "give --credentials FILE; chmod 600 the file")
    }
    guard let key = credentials?["apiKey"]?.exposed else {
      throw NoahTarget.refusal(
        "the credentials hold no apiKey",
        hint: #"give --credentials with a file that holds {"apiKey":"…","privateKeyFile":"…"}"#)
    }
    guard !key.isEmpty, key.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw NoahTarget.refusal(
        "the apiKey is empty or holds a space, a line break or a character beyond ASCII",
        hint: "copy the key again, without anything around it")
    }
    let environment = NoahEnvironment(key: key)
    try NoahTarget.compare(environment, with: endpoint)
    if let pem = credentials?["privateKey"] {
      _ = try NoahTarget.key(pem)
    } else if environment == .prod {
      throw NoahTarget.refusal(
        "the apiKey is a production key, which needs signatures, and there is no privateKey",
        hint: #"add "privateKeyFile" to the credentials"#)
    }
  }

  private static func compare(
    _ environment: NoahEnvironment?, with endpoint: NoahEndpoint
  ) throws(StageFailure) {
    guard let wanted = endpoint.environment, wanted != environment else { return }
    let kind = environment.map { "an apikey_\($0.rawValue)_ key" } ?? "no key of Noah's form"
    throw refusal(
      "the host \(endpoint.host) takes apikey_\(wanted.rawValue)_ keys, and the apiKey is \(kind)",
      hint: "give the key of that environment, or the other --endpoint")
  }

  private static func refusal(_ detail: String, hint: String) -> StageFailure {
    StageFailure(.credentialsRefused, detail, hint: hint, outcome: .fatal)
  }
}
