import CCurl
public import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A proxy: its address, the exceptions, and the credentials for it.
///
/// It only tunnels, so that TLS reaches the target and the proxy sees no request: `http://` and `https://` proxies are
/// asked to CONNECT (RFC 9110 §9.3.6), `socks5://` resolves names here and `socks5h://` at the proxy.
public struct ProxyRoute: Sendable, CustomStringConvertible {
  /// The proxy's address without a user, such as `http://proxy.example:3128`.
  public let url: String
  /// What named the proxy: `--proxy` or a variable of the environment.
  public let source: String
  /// The user name that the proxy asks for.
  public var user: Secret?
  /// The password that the proxy asks for.
  public var password: Secret?
  private let exceptions: ProxyExceptions

  /// `http://proxy.example:3128 (HTTPS_PROXY)`.
  public var description: String { "\(url) (\(source))" }

  /// Reads `env`, `none` or an address; nil if there is no proxy.
  ///
  /// `env` means the variables of curl: the first of `https_proxy`, `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY` that
  /// isn't empty, and `no_proxy` or `NO_PROXY` for the exceptions. A proxy that is given by its address has none.
  public init?(_ option: String, environment: (String) -> String?) throws(Endpoint.Refusal) {
    switch option {
    case "none", "": return nil
    case "env":
      let names = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
      guard let name = names.first(where: { environment($0)?.isEmpty == false }),
        let address = environment(name)
      else { return nil }
      let list = environment("no_proxy") ?? environment("NO_PROXY") ?? ""
      try self.init(address: address, from: name, exceptions: ProxyExceptions(list))
    default: try self.init(address: option, from: "--proxy", exceptions: ProxyExceptions(""))
    }
  }

  private init(address: String, from source: String, exceptions: ProxyExceptions)
    throws(Endpoint.Refusal)
  {
    let full = address.contains("://") ? address : "http://" + address
    // The message doesn't repeat the address, which may hold a password.
    guard full.utf8.allSatisfy({ $0.isASCIIPrintable && $0 != UInt8(ascii: " ") }),
      let parts = URLParts(full)
    else {
      throw Endpoint.Refusal(
        "\(source) isn't the address of a proxy: write http://host:port or socks5h://host:port")
    }
    guard !parts.hasUser else {
      throw Endpoint.Refusal(
        "\(source) holds a user name or password: give those as \"proxy\":{\"user\":\"…\",\"pass\":\"…\"} "
          + "in the credentials file, and the address without them by --proxy")
    }
    guard ["http", "https", "socks5", "socks5h"].contains(parts.scheme) else {
      throw Endpoint.Refusal(
        "\(source) names a kind of proxy that is not used: write http://, https://, socks5:// or socks5h://"
      )
    }
    url = "\(parts.scheme)://\(parts.host)" + (parts.port.map { ":\($0)" } ?? "")
    self.source = source
    self.exceptions = exceptions
  }

  /// Whether requests to an address go through the proxy; those to this machine never do.
  public func isTaken(to endpoint: Endpoint) -> Bool {
    !endpoint.isLoopback && !exceptions.contain(endpoint.host)
  }
}

/// The hosts to reach without the proxy, as curl reads `NO_PROXY` (CURLOPT_NOPROXY): names with their subdomains,
/// addresses, blocks such as `10.0.0.0/8`, or `*` for all.
struct ProxyExceptions {
  private let words: [String]

  init(_ list: String) {
    words = list.lowercased().split { $0 == "," || $0.isWhitespace }.map(String.init)
  }

  /// Whether a host, in lower case, is among them.
  func contain(_ host: String) -> Bool {
    if words == ["*"] { return true }
    if let address = ProxyExceptions.address(host) {
      return words.contains { ProxyExceptions.block($0, holds: address) }
    }
    let name = ProxyExceptions.withoutDots(host)
    return words.contains { word in
      let domain = ProxyExceptions.withoutDots(word)
      return !domain.isEmpty && (name == domain || name.hasSuffix("." + domain))
    }
  }

  /// Without a dot at either end.
  private static func withoutDots(_ name: String) -> Substring {
    let trimmed = name.hasSuffix(".") ? name.dropLast() : name[...]
    return trimmed.hasPrefix(".") ? trimmed.dropFirst() : trimmed
  }

  private static func block(_ word: String, holds address: [UInt8]) -> Bool {
    let parts = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = ProxyExceptions.address(String(parts[0])), first.count == address.count,
      let bits = parts.count == 2 ? Int(parts[1]) : address.count * 8,
      (0...address.count * 8).contains(bits)
    else { return false }
    let whole = bits / 8
    guard first.prefix(whole) == address.prefix(whole) else { return false }
    guard bits % 8 > 0 else { return true }
    return (first[whole] ^ address[whole]) >> (8 - bits % 8) == 0
  }

  /// The 4 or 16 bytes of an address, nil for a name; IPv6 with or without brackets.
  private static func address(_ host: String) -> [UInt8]? {
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    let text = isBracketed ? String(host.dropFirst().dropLast()) : host
    for (family, size) in [(AF_INET, 4), (AF_INET6, 16)] {
      var bytes = [UInt8](repeating: 0, count: size)
      if inet_pton(family, text, &bytes) == 1 { return bytes }
    }
    return nil
  }
}
