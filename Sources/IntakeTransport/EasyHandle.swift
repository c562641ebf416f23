import CCurl
import IntakeCore

/// One of libcurl's transfer handles; it keeps its connection and TLS session from one exchange to the next.
///
/// libcurl lets any thread use a handle, but only one at a time: `HTTPClient` lends each to one call.
final class EasyHandle: Sendable {
  // A pointer is not Sendable; that it is used by one thread at a time is what the pool is for.
  nonisolated(unsafe) private let curl: UnsafeMutableRawPointer

  init?() {
    guard HTTPLibrary.start(), let curl = curl_easy_init() else { return nil }
    self.curl = curl
  }

  deinit { curl_easy_cleanup(curl) }

  /// Runs one exchange to its end; blocks for `deadline` at most.
  func perform(
    _ transfer: Transfer, to endpoint: Endpoint, deadline: Duration, settings: HTTPSettings
  ) -> HTTPExchange {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CURL_ERROR_SIZE)) { words in
      words.initialize(repeating: 0)
      // Nothing that libcurl was lent may be reached after this call.
      defer { curl_easy_reset(curl) }
      do throws(NotSent) {
        let fields = try FieldList(transfer.request.headers, expecting: transfer.isExpecting)
        try configure(transfer, fields, to: endpoint, deadline: deadline, settings: settings)
        try set(CURLOPT_ERRORBUFFER, pointer: words.baseAddress)
        let code = withExtendedLifetime((fields, transfer)) { curl_easy_perform(curl) }
        let text = words.baseAddress.map { String(cString: $0) } ?? ""
        return transfer.exchange(
          after: code, detail: text.isEmpty ? String(cString: curl_easy_strerror(code)) : text)
      } catch {
        return .notSent(error)
      }
    }
  }

  /// Sets every option of an exchange and sends nothing.
  ///
  /// - Throws: `NotSent` that names the option which this libcurl refuses.
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
    try aim(at: endpoint, settings)
    try secure(caFile: settings.caFile)
    try set(CURLOPT_TIMEOUT_MS, milliseconds(deadline))
    let connectTimeout = min(deadline, .seconds(settings.connectTimeout))
    try set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(connectTimeout))
    try set(CURLOPT_EXPECT_100_TIMEOUT_MS, 1000)
    try describe(transfer)
    try connect(to: transfer)
  }

  private func aim(at endpoint: Endpoint, _ settings: HTTPSettings) throws(NotSent) {
    try set(CURLOPT_NOSIGNAL, 1)
    try set(CURLOPT_URL, endpoint.url)
    try set(CURLOPT_PATH_AS_IS, 1)
    try check(ccurl_set_scheme(curl, endpoint.isEncrypted ? 1 : 0), CURLOPT_PROTOCOLS)
    try set(CURLOPT_FOLLOWLOCATION, 0)
    try set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
    // An empty name is "no proxy", also against http_proxy and its kin in the environment.
    try set(CURLOPT_PROXY, "")
    try set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
    try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    try set(CURLOPT_HTTP09_ALLOWED, 0)
    try set(CURLOPT_USERAGENT, HTTPLibrary.userAgent)
    // Below the 15 s and more after which load balancers close idle connections.
    try set(CURLOPT_MAXAGE_CONN, 10)
    if !settings.keepsConnections { try set(CURLOPT_FORBID_REUSE, 1) }
  }

  private func secure(caFile: String?) throws(NotSent) {
    try set(CURLOPT_SSL_VERIFYPEER, 1)
    try set(CURLOPT_SSL_VERIFYHOST, 2)
    try set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    guard let caFile else { return }
    try set(CURLOPT_CAINFO, caFile)
    // The system's folder of authorities would stay trusted beside the file; some TLS libraries know no folders.
    let code = ccurl_set_text(curl, CURLOPT_CAPATH, nil)
    if code != CURLE_NOT_BUILT_IN { try check(code, CURLOPT_CAPATH) }
  }

  /// Method and body.
  ///
  /// `POSTFIELDS` would let libcurl rewind and send a body twice; a read callback with a
  /// refusing seek callback does not.
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

  /// Lends libcurl the transfer for the length of one `curl_easy_perform`.
  private func connect(to transfer: Transfer) throws(NotSent) {
    let context = Unmanaged.passUnretained(transfer).toOpaque()
    for option in [
      CURLOPT_READDATA, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_SEEKDATA,
      CURLOPT_XFERINFODATA, CURLOPT_PREREQDATA,
    ] { try set(option, pointer: context) }
    for (option, callback) in [
      (CURLOPT_READFUNCTION, readCallback), (CURLOPT_HEADERFUNCTION, headerCallback),
      (CURLOPT_WRITEFUNCTION, bodyCallback),
    ] { try check(ccurl_set_stream(curl, option, callback), option) }
    try check(ccurl_set_start(curl, startCallback), CURLOPT_PREREQFUNCTION)
    try check(ccurl_set_seek(curl) { _, _, _ in CURL_SEEKFUNC_FAIL }, CURLOPT_SEEKFUNCTION)
    try check(ccurl_set_progress(curl, progressCallback), CURLOPT_XFERINFOFUNCTION)
    try set(CURLOPT_NOPROGRESS, 0)
  }

  private func milliseconds(_ duration: Duration) -> Int {
    let parts = duration.components
    // 0 is libcurl's word for "no limit".
    return max(1, Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000))
  }

  private func set(_ option: CURLoption, _ value: Int) throws(NotSent) {
    try check(ccurl_set_long(curl, option, value), option)
  }

  private func set(_ option: CURLoption, _ value: String) throws(NotSent) {
    try check(ccurl_set_text(curl, option, value), option)
  }

  private func set(_ option: CURLoption, size: Int) throws(NotSent) {
    try check(ccurl_set_size(curl, option, curl_off_t(size)), option)
  }

  private func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) throws(NotSent) {
    try check(ccurl_set_pointer(curl, option, pointer), option)
  }

  /// Every option counts: without the one that checks certificates, or the hook that reports a request on its way,
  /// nothing may be sent.
  private func check(_ code: CURLcode, _ option: CURLoption) throws(NotSent) {
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
private final class FieldList {
  private(set) var list: UnsafeMutablePointer<curl_slist>?

  /// - Throws: `NotSent` for a field that would break the header apart, or when memory is short.
  init(_ fields: [HTTPField], expecting: Bool) throws(NotSent) {
    var lines = fields.map { $0.value.isEmpty ? $0.name + ";" : $0.name + ": " + $0.value }
    // Without a value libcurl leaves a field out: it must add neither Expect nor a form's type by itself.
    lines.append(expecting ? "Expect: 100-continue" : "Expect:")
    // An absent field allows every encoding (RFC 9110 §12.5.3), and nothing here unpacks one.
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

private func transfer(_ context: UnsafeMutableRawPointer) -> Transfer {
  Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
}

private let startCallback: curl_prereq_callback = { context, _, _, _, _ in
  guard let context else { return CURL_PREREQFUNC_ABORT }
  return transfer(context).mayStart() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

private let readCallback: curl_write_callback = { buffer, size, count, context in
  guard let buffer, let context else { return Int(CURL_READFUNC_ABORT) }
  return transfer(context).read(
    into: UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
}

private let headerCallback: curl_write_callback = { buffer, size, count, context in
  guard let buffer, let context else { return 0 }
  let line = UnsafeRawBufferPointer(start: buffer, count: size * count)
  return transfer(context).take(headerLine: line) ? line.count : 0
}

private let bodyCallback: curl_write_callback = { buffer, size, count, context in
  guard let buffer, let context else { return 0 }
  let piece = UnsafeRawBufferPointer(start: buffer, count: size * count)
  return transfer(context).take(bodyBytes: piece) ? piece.count : 0
}

private let progressCallback: curl_xferinfo_callback = { context, _, _, _, sent in
  guard let context else { return 1 }
  return transfer(context).mayContinue(sent: Int(sent)) ? 0 : 1
}
