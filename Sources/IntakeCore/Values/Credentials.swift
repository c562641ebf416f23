/// What a target asks for to let a request in: named secrets, as read from the operator's file.
public struct Credentials: Sendable {
  /// The secrets by the names of the credentials file: `user`, `pass`, `apiKey`, `privateKey`.
  private let secrets: [String: Secret]

  /// Makes credentials of named secrets.
  public init(_ secrets: [String: Secret]) { self.secrets = secrets }

  /// The secret of that name, or nil when the file has none.
  public subscript(name: String) -> Secret? { secrets[name] }

  /// The names that are there, in alphabetical order; never the secrets.
  public var names: [String] { secrets.keys.sorted() }
}
