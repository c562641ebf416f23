import CCurl
import IntakeCore

/// An address that may be sent to: https, or http when the host is this machine.
///
/// libcurl parses it, so that what is checked here is what it will connect to.
public struct Endpoint: Sendable, Equatable {
  /// The address as it was given.
  public let url: String
  /// The host in lower case; an IPv6 address keeps its brackets.
  public let host: String
  /// The port if the address names one.
  public let port: String?
  /// Whether the scheme is https.
  public let isEncrypted: Bool

  /// Scheme, host and port (RFC 6454 §4).
  var origin: String { "\(isEncrypted ? "https" : "http")://\(host):\(port ?? "")" }

  /// Why an address must not be sent to; doesn't repeat the address, which may hold a password.
  public struct Refusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong and what would be right.
    public let description: String
    init(_ description: String) { self.description = description }
  }

  /// Checks an operator's address, which has no user, query or fragment.
  public init(_ url: String) throws(Refusal) {
    try self.init(request: url)
    if url.utf8.contains(UInt8(ascii: "?")) {
      throw Refusal("the endpoint has a query (?…), which a path could not follow: leave it out")
    }
  }

  /// Checks the address of one request, which may have a query.
  public init(request url: String) throws(Refusal) {
    guard url.utf8.allSatisfy({ $0.isASCIIPrintable && !" \\".utf8.contains($0) }) else {
      throw Refusal(
        "the endpoint has a space, a backslash or a character beyond ASCII: write an "
          + "international name in its xn-- form")
    }
    // libcurl ignores a third slash and takes the path's first part for the host.
    guard !url.contains(":///"), let parts = URLParts(url) else {
      throw Refusal("the endpoint isn't a complete address: write https://host/path")
    }
    guard !parts.hasUser else {
      throw Refusal("the endpoint holds a user name or password: give those in --credentials")
    }
    guard !parts.hasFragment else {
      throw Refusal("the endpoint has a fragment (#…): leave it out")
    }
    (host, port) = (parts.host.lowercased(), parts.port)
    guard Endpoint.isHost(host) else { throw Refusal("the endpoint's host isn't a host name") }
    isEncrypted = parts.scheme == "https"
    self.url = url
    guard isEncrypted || (parts.scheme == "http" && isLoopback) else {
      throw Refusal(
        parts.scheme == "http"
          ? "http is for this machine only (localhost, 127.0.0.1, [::1]): write https"
          : "the endpoint has to start with https://")
    }
  }

  /// Whether the host is this machine, judged by the whole name.
  public var isLoopback: Bool {
    if host == "localhost" || host == "[::1]" { return true }
    let octets = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    return octets.count == 4 && octets.first == .some(127) && octets.allSatisfy { $0 != nil }
  }

  private static func isHost(_ host: String) -> Bool {
    if host.hasPrefix("[") { return host.hasSuffix("]") }
    return !host.isEmpty
      && host.utf8.allSatisfy { $0.isASCIILowercase || $0.isASCIIDigit || "-.".utf8.contains($0) }
  }
}

struct URLParts {
  let scheme: String
  let host: String
  let port: String?
  let hasUser: Bool
  let hasFragment: Bool

  init?(_ url: String) {
    guard let handle = curl_url() else { return nil }
    defer { curl_url_cleanup(handle) }
    guard curl_url_set(handle, CURLUPART_URL, url, UInt32(CURLU_NON_SUPPORT_SCHEME)) == CURLUE_OK,
      let scheme = URLParts.read(CURLUPART_SCHEME, of: handle),
      let host = URLParts.read(CURLUPART_HOST, of: handle)
    else { return nil }
    (self.scheme, self.host) = (scheme, host)
    port = URLParts.read(CURLUPART_PORT, of: handle)
    // libcurl drops an empty user (`https://@host`), which is still a mistake.
    let authority = url.drop { $0 != "/" }.drop { $0 == "/" }.prefix { $0 != "/" && $0 != "?" }
    hasUser = URLParts.read(CURLUPART_USER, of: handle) != nil || authority.contains("@")
    hasFragment = url.utf8.contains(UInt8(ascii: "#"))
  }

  private static func read(_ part: CURLUPart, of handle: OpaquePointer) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard curl_url_get(handle, part, &text, 0) == CURLUE_OK, let text else { return nil }
    defer { curl_free(text) }
    return String(cString: text)
  }
}
