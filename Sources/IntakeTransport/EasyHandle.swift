import CCurl
import IntakeCore

/// One of libcurl's transfer handles, which keeps its connection and TLS session for the next exchange.
///
/// Only one thread at a time may use a handle: `HTTPClient` lends each to one call.
final class EasyHandle: Sendable {
  // Not Sendable by themselves, but used by one thread at a time.
  nonisolated(unsafe) let curl: UnsafeMutableRawPointer
  nonisolated(unsafe) private let sockets = SocketControl()
  /// Who answered the last exchange on a kept connection, and when; nil if it didn't end well.
  nonisolated(unsafe) private var answered: (origin: String, time: ContinuousClock.Instant)?

  init?() {
    guard HTTPLibrary.start(), let curl = curl_easy_init() else { return nil }
    self.curl = curl
  }

  // Closes the kept connections, which libcurl reports to `sockets`.
  deinit { curl_easy_cleanup(curl) }

  /// Whether there is a kept connection.
  var keepsConnection: Bool { sockets.hasOpen }

  /// Whether the kept connection is to this origin, and its last exchange ended well (2xx) at most so many seconds ago.
  func hasAnswered(from origin: String, within seconds: Double) -> Bool {
    guard keepsConnection, let answered, answered.origin == origin else { return false }
    return ContinuousClock.now - answered.time < .seconds(seconds)
  }

  /// Runs one exchange to its end; blocks for `deadline` at most, and for `SocketControl.longestWait` after it.
  ///
  /// Once this returns, no byte of a request that was given up will arrive any more.
  func perform(
    _ transfer: Transfer, to endpoint: Endpoint, deadline: Duration, settings: HTTPSettings
  ) -> HTTPExchange {
    sockets.begin(transfer)
    defer { sockets.transfer = nil }
    let exchange = performNow(transfer, to: endpoint, deadline: deadline, settings: settings)
    if exchange.leavesDoubt { transfer.wait(seconds: sockets.secondsOnPath) }
    // An exchange with its own connection tells nothing about the kept one.
    if transfer.connection != .own {
      answered = exchange.endedWell ? (endpoint.origin, .now) : nil
    }
    return exchange
  }

  private func performNow(
    _ transfer: Transfer, to endpoint: Endpoint, deadline: Duration, settings: HTTPSettings
  ) -> HTTPExchange {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CURL_ERROR_SIZE)) { words in
      words.initialize(repeating: 0)
      // libcurl must forget what it was lent for this call.
      defer { curl_easy_reset(curl) }
      do throws(NotSent) {
        let fields = try FieldList(transfer.request.headers, expecting: transfer.isExpecting)
        try configure(transfer, fields, to: endpoint, deadline: deadline, settings: settings)
        try set(CURLOPT_ERRORBUFFER, pointer: words.baseAddress)
        let code = withExtendedLifetime((fields, transfer)) { curl_easy_perform(curl) }
        if sockets.wasRefused, code != CURLE_OK {
          throw NotSent(reason: .unreachable, detail: "the system refuses a socket's options")
        }
        let text = words.baseAddress.map { String(cString: $0) } ?? ""
        let proxy = settings.proxy.flatMap { $0.isTaken(to: endpoint) ? $0 : nil }
        return transfer.exchange(
          after: code, detail: text.isEmpty ? String(cString: curl_easy_strerror(code)) : text,
          proxy: proxy.map { (connectStatus(), $0.user != nil) }, written: writtenBytes())
      } catch {
        return .notSent(error)
      }
    }
  }

  /// Sets every option of an exchange without sending anything.
  ///
  /// - Throws: `NotSent` that names an option which this libcurl refuses.
  func rehearse(_ transfer: Transfer, to endpoint: Endpoint, settings: HTTPSettings)
    throws(NotSent)
  {
    defer { curl_easy_reset(curl) }
    let fields = try FieldList(transfer.request.headers, expecting: transfer.isExpecting)
    try configure(transfer, fields, to: endpoint, deadline: .seconds(1), settings: settings)
    try set(CURLOPT_ERRORBUFFER, pointer: nil)
  }

  private func configure(
    _ transfer: Transfer, _ fields: FieldList, to endpoint: Endpoint, deadline: Duration,
    settings: HTTPSettings
  ) throws(NotSent) {
    curl_easy_reset(curl)
    try set(CURLOPT_HTTPHEADER, pointer: fields.list)
    try aim(at: endpoint)
    try pass(settings.proxy.flatMap { $0.isTaken(to: endpoint) ? $0 : nil })
    try secure(settings)
    try set(CURLOPT_TIMEOUT_MS, milliseconds(deadline))
    let connectTimeout = min(deadline, .seconds(settings.connectTimeout))
    try set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(connectTimeout))
    try set(CURLOPT_EXPECT_100_TIMEOUT_MS, milliseconds(.seconds(settings.leaveTimeout)))
    try describe(transfer)
    try connect(to: transfer)
    try control()
    try choose(transfer, settings)
  }

  /// Which connection the exchange uses, and whether it is kept.
  private func choose(_ transfer: Transfer, _ settings: HTTPSettings) throws(NotSent) {
    // Below the 15 s and more after which load balancers close idle connections.
    try set(CURLOPT_MAXAGE_CONN, 10)
    try set(CURLOPT_FRESH_CONNECT, transfer.connection == .own ? 1 : 0)
    let isKept = settings.keepsConnections && transfer.connection != .own
    try set(CURLOPT_FORBID_REUSE, isKept ? 0 : 1)
  }

  /// Method and body.
  ///
  /// With `POSTFIELDS` libcurl could rewind and send a body twice; a read callback may refuse that.
  private func describe(_ transfer: Transfer) throws(NotSent) {
    let request = transfer.request
    if request.method == "GET", transfer.bodySize == 0 {
      try set(CURLOPT_HTTPGET, 1)
    } else if request.method == "POST" {
      try set(CURLOPT_POST, 1)
      try set(CURLOPT_POSTFIELDSIZE_LARGE, size: transfer.bodySize)
    } else {
      try set(CURLOPT_UPLOAD, 1)
      try set(CURLOPT_INFILESIZE_LARGE, size: transfer.bodySize)
      try set(CURLOPT_CUSTOMREQUEST, request.method)
    }
  }

  /// Lends libcurl the transfer for one `curl_easy_perform`.
  private func connect(to transfer: Transfer) throws(NotSent) {
    let context = Unmanaged.passUnretained(transfer).toOpaque()
    for option in [
      CURLOPT_READDATA, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_SEEKDATA,
      CURLOPT_XFERINFODATA, CURLOPT_PREREQDATA,
    ] { try set(option, pointer: context) }
    for (option, callback) in [
      (CURLOPT_READFUNCTION, Transfer.readCallback),
      (CURLOPT_HEADERFUNCTION, Transfer.headerCallback),
      (CURLOPT_WRITEFUNCTION, Transfer.bodyCallback),
    ] { try check(ccurl_set_stream(curl, option, callback), option) }
    try check(ccurl_set_start(curl, Transfer.startCallback), CURLOPT_PREREQFUNCTION)
    try check(ccurl_set_seek(curl, Transfer.seekCallback), CURLOPT_SEEKFUNCTION)
    try check(ccurl_set_progress(curl, Transfer.progressCallback), CURLOPT_XFERINFOFUNCTION)
    try set(CURLOPT_NOPROGRESS, 0)
  }

  /// Lends libcurl the control of the sockets for the life of this handle, because connections outlast exchanges.
  private func control() throws(NotSent) {
    let context = Unmanaged.passUnretained(sockets).toOpaque()
    try set(CURLOPT_SOCKOPTDATA, pointer: context)
    try set(CURLOPT_CLOSESOCKETDATA, pointer: context)
    try check(ccurl_set_sockopt(curl, EasyHandle.socketOpened), CURLOPT_SOCKOPTFUNCTION)
    try check(ccurl_set_closesocket(curl, EasyHandle.socketEnds), CURLOPT_CLOSESOCKETFUNCTION)
  }
}

// The options about the way to the target.
extension EasyHandle {
  /// Where the request goes, and what libcurl must not do by itself.
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
    // Some answers come packed although the header asks for identity; the limit counts unpacked bytes.
    try set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate")
  }

  /// The proxy, or none, whatever the environment says.
  func pass(_ proxy: ProxyRoute?) throws(NotSent) {
    // An empty name means no proxy, whatever http_proxy and its like say.
    try set(CURLOPT_PROXY, proxy?.url ?? "")
    guard let proxy else { return }
    // Exceptions are decided already; libcurl would look at NO_PROXY again.
    try set(CURLOPT_NOPROXY, "")
    try set(CURLOPT_HTTPPROXYTUNNEL, 1)
    // The proxy's answer to CONNECT would look like the target's, and the target's fields are not for the proxy.
    try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    try set(CURLOPT_HEADEROPT, ccurl_separate_headers)
    guard let user = proxy.user, let password = proxy.password else { return }
    try set(CURLOPT_PROXYUSERNAME, String(decoding: user.exposed, as: UTF8.self))
    try set(CURLOPT_PROXYPASSWORD, String(decoding: password.exposed, as: UTF8.self))
    try set(CURLOPT_PROXYAUTH, ccurl_proxy_auth)
    try set(CURLOPT_SOCKS5_AUTH, ccurl_socks_auth)
  }

  /// The status of an HTTP proxy's answer to CONNECT; 0 if there was none.
  func connectStatus() -> Int {
    var status = 0
    let code = ccurl_get_long(curl, CURLINFO_HTTP_CONNECTCODE, &status)
    return code == CURLE_OK ? status : 0
  }

  /// Bytes of the body that were written to the connection of the last exchange.
  ///
  /// Not those that libcurl was given: it gives up what it has left of them, up to 64 KiB, when an early answer ends the
  /// connection.
  private func writtenBytes() -> Int {
    var count: curl_off_t = 0
    let code = ccurl_get_size(curl, CURLINFO_SIZE_UPLOAD_T, &count)
    return code == CURLE_OK ? Int(count) : 0
  }

  /// Whom to trust, and the client certificate.
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
    // Otherwise the system's folder of authorities would be trusted, too; some TLS libraries know no folders.
    let code = ccurl_set_text(curl, CURLOPT_CAPATH, nil)
    if code != CURLE_NOT_BUILT_IN { try check(code, CURLOPT_CAPATH) }
  }
}

// Setting an option, with its result checked.
extension EasyHandle {
  func milliseconds(_ duration: Duration) -> Int {
    let parts = duration.components
    // To libcurl, 0 means no limit.
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

  /// Every option counts: without the check of certificates, or the hook that reports a request on its way, nothing may
  /// be sent.
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

  /// - Throws: `NotSent` for a field with control characters, or if memory is short.
  init(_ fields: [HTTPField], expecting: Bool) throws(NotSent) {
    var lines = fields.map { $0.value.isEmpty ? $0.name + ";" : $0.name + ": " + $0.value }
    // Without a value, libcurl leaves a field out: it must not add Expect or the content type of a form.
    lines.append(expecting ? "Expect: 100-continue" : "Expect:")
    // An absent field would allow every encoding (RFC 9110 §12.5.3). With it, CURLOPT_ACCEPT_ENCODING adds none.
    lines.append("Accept-Encoding: identity")
    if !fields.contains(where: { $0.name.lowercased() == "content-type" }) {
      lines.append("Content-Type:")
    }
    for line in lines {
      guard line.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
        throw NotSent(reason: .invalid, detail: "a header field holds a line break")
      }
      // The list stays valid if nothing can be added, but a request without a field is another request.
      guard let longer = curl_slist_append(list, line) else {
        throw NotSent(reason: .unreachable, detail: "no memory left for the header")
      }
      list = longer
    }
  }

  deinit { curl_slist_free_all(list) }
}
