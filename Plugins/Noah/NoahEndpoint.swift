import IntakeCore

/// The address that all of Noah's requests start with, taken apart as far as signing and checking need it.
struct NoahEndpoint {
  /// Without a slash at its end.
  let base: String
  /// In lower case, without the port.
  let host: String
  /// `/v1`: the signed path starts with it.
  let path: String

  /// Takes an address that the submitter has found to be complete.
  init(_ text: String) {
    var base = Substring(text)
    while base.hasSuffix("/") { base = base.dropLast() }
    self.base = String(base)
    let rest = base.firstRange(of: "://").map { base[$0.upperBound...] } ?? base
    let authority = rest.prefix { $0 != "/" }
    path = String(rest.dropFirst(authority.count))
    let name =
      authority.hasPrefix("[")
      ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
    host = name.lowercased()
  }

  /// Whether the path ends in a version such as `/v1`.
  var namesVersion: Bool {
    guard let last = path.split(separator: "/").last, last.first == "v" else { return false }
    return last.count > 1 && last.dropFirst().allSatisfy(\.isNumber)
  }

  /// The environment that a host of the vendor belongs to, nil for this machine and for gateways.
  var environment: NoahEnvironment? {
    guard host == "noah.com" || host.hasSuffix(".noah.com") else { return nil }
    return host.split(separator: ".").contains("sandbox") ? .sandbox : .prod
  }
}

/// The vendor's two worlds; a key of one is refused by the other.
enum NoahEnvironment: String {
  case sandbox, prod

  /// Told by the key's own prefix, nil when it has neither.
  init?(key: [UInt8]) {
    if key.starts(with: "apikey_sandbox_".utf8) {
      self = .sandbox
    } else if key.starts(with: "apikey_prod_".utf8) {
      self = .prod
    } else {
      return nil
    }
  }
}
