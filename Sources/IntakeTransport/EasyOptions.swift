import CCurl
import IntakeCore

// The options of an exchange that are about the way to the target.
extension EasyHandle {
  /// Where the request goes, and what libcurl must not do by itself on the way.
  func aim(at endpoint: Endpoint) throws(NotSent) {
    try set(CURLOPT_NOSIGNAL, 1)
    try set(CURLOPT_URL, endpoint.url)
    try set(CURLOPT_PATH_AS_IS, 1)
    try check(ccurl_set_scheme(curl, endpoint.isEncrypted ? 1 : 0), CURLOPT_PROTOCOLS)
    try set(CURLOPT_FOLLOWLOCATION, 0)
    try set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
    try set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
    try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    try set(CURLOPT_HTTP09_ALLOWED, 0)
    try set(CURLOPT_USERAGENT, HTTPLibrary.userAgent)
    // Unpacks what comes packed although the header asks for identity; the cap counts what is unpacked.
    try set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate")
  }

  /// The proxy, or none, whatever the environment says.
  func pass(_ proxy: ProxyRoute?) throws(NotSent) {
    // An empty name is "no proxy", also against http_proxy and its kin in the environment.
    try set(CURLOPT_PROXY, proxy?.url ?? "")
    guard let proxy else { return }
    // Who is an exception is decided already; libcurl would look at NO_PROXY again.
    try set(CURLOPT_NOPROXY, "")
    try set(CURLOPT_HTTPPROXYTUNNEL, 1)
    // The proxy's answer to CONNECT would look like the target's, and its fields are none of the target's.
    try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    try set(CURLOPT_HEADEROPT, ccurl_separate_headers)
    guard let user = proxy.user, let password = proxy.password else { return }
    try set(CURLOPT_PROXYUSERNAME, String(decoding: user.exposed, as: UTF8.self))
    try set(CURLOPT_PROXYPASSWORD, String(decoding: password.exposed, as: UTF8.self))
    try set(CURLOPT_PROXYAUTH, ccurl_proxy_auth)
    try set(CURLOPT_SOCKS5_AUTH, ccurl_socks_auth)
  }

  /// What an HTTP proxy answered to CONNECT, 0 when it did not.
  func connectStatus() -> Int {
    var status = 0
    let code = ccurl_get_long(curl, CURLINFO_HTTP_CONNECTCODE, &status)
    return code == CURLE_OK ? status : 0
  }

  /// Who is trusted, and what is shown to a target that asks.
  func secure(_ settings: HTTPSettings) throws(NotSent) {
    try set(CURLOPT_SSL_VERIFYPEER, 1)
    try set(CURLOPT_SSL_VERIFYHOST, 2)
    try set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    if let identity = settings.clientIdentity {
      try set(CURLOPT_SSLCERT_BLOB, bytes: identity.certificate)
      try set(CURLOPT_SSLKEY_BLOB, bytes: identity.key.exposed)
    }
    guard let caFile = settings.caFile else { return }
    try set(CURLOPT_CAINFO, caFile)
    if settings.proxy != nil { try set(CURLOPT_PROXY_CAINFO, caFile) }
    // The system's folder of authorities would stay trusted beside the file; some TLS libraries know no folders.
    let code = ccurl_set_text(curl, CURLOPT_CAPATH, nil)
    if code != CURLE_NOT_BUILT_IN { try check(code, CURLOPT_CAPATH) }
  }
}

// Setting an option, with the answer looked at.
extension EasyHandle {
  func milliseconds(_ duration: Duration) -> Int {
    let parts = duration.components
    // 0 is libcurl's word for "no limit".
    return max(1, Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000))
  }

  func set(_ option: CURLoption, _ value: Int) throws(NotSent) {
    try check(ccurl_set_long(curl, option, value), option)
  }

  func set(_ option: CURLoption, _ value: String) throws(NotSent) {
    try check(ccurl_set_text(curl, option, value), option)
  }

  func set(_ option: CURLoption, size: Int) throws(NotSent) {
    try check(ccurl_set_size(curl, option, curl_off_t(size)), option)
  }

  func set(_ option: CURLoption, bytes: [UInt8]) throws(NotSent) {
    try check(ccurl_set_blob(curl, option, bytes, bytes.count), option)
  }

  func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) throws(NotSent) {
    try check(ccurl_set_pointer(curl, option, pointer), option)
  }

  /// Every option counts: without the one that checks certificates, or the hook that reports a request on its way,
  /// nothing may be sent.
  func check(_ code: CURLcode, _ option: CURLoption) throws(NotSent) {
    guard code != CURLE_OK else { return }
    if code == CURLE_OUT_OF_MEMORY { throw NotSent(reason: .unreachable, detail: "no memory left") }
    let name = curl_easy_option_by_id(option).map { String(cString: $0.pointee.name) }
    let words = String(cString: curl_easy_strerror(code))
    throw NotSent(
      reason: .invalid,
      detail: "this libcurl refuses the option \(name ?? "\(option.rawValue)") (\(words))")
  }
}

/// The header fields of a request in libcurl's form; freed with the last reference.
final class FieldList {
  private(set) var list: UnsafeMutablePointer<curl_slist>?

  /// - Throws: `NotSent` for a field that would break the header apart, or when memory is short.
  init(_ fields: [HTTPField], expecting: Bool) throws(NotSent) {
    var lines = fields.map { $0.value.isEmpty ? $0.name + ";" : $0.name + ": " + $0.value }
    // Without a value libcurl leaves a field out: it must add neither Expect nor a form's type by itself.
    lines.append(expecting ? "Expect: 100-continue" : "Expect:")
    // An absent field allows every encoding (RFC 9110 §12.5.3). CURLOPT_ACCEPT_ENCODING, which unpacks what comes
    // packed all the same, writes no field of its own beside this one.
    lines.append("Accept-Encoding: identity")
    if !fields.contains(where: { $0.name.lowercased() == "content-type" }) {
      lines.append("Content-Type:")
    }
    for line in lines {
      guard line.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
        throw NotSent(reason: .invalid, detail: "a header field holds a line break")
      }
      // The list so far stays valid when nothing can be added to it; a request without a field is another request.
      guard let longer = curl_slist_append(list, line) else {
        throw NotSent(reason: .unreachable, detail: "no memory left for the header")
      }
      list = longer
    }
  }

  deinit { curl_slist_free_all(list) }
}
