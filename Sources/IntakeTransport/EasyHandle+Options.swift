import CCurl
import IntakeCore

extension EasyHandle {
  /// Everything about the connection: where to, how safe, how long.
  func configure(for endpoint: Endpoint, deadline: Duration, settings: HTTPSettings) {
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_URL, endpoint.url)
    set(CURLOPT_PATH_AS_IS, 1)
    _ = ccurl_set_scheme(curl, endpoint.isEncrypted ? 1 : 0)
    set(CURLOPT_FOLLOWLOCATION, 0)
    set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
    // An empty name is "no proxy", also against http_proxy and its kin in the environment.
    set(CURLOPT_PROXY, "")
    set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
    set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    set(CURLOPT_HTTP09_ALLOWED, 0)
    set(CURLOPT_USERAGENT, HTTPLibrary.userAgent)
    secure(caFile: settings.caFile)
    set(CURLOPT_TIMEOUT_MS, milliseconds(deadline))
    set(
      CURLOPT_CONNECTTIMEOUT_MS, milliseconds(min(deadline, .seconds(settings.connectTimeout))))
    set(CURLOPT_EXPECT_100_TIMEOUT_MS, 1000)
    // Below the 15 s and more after which load balancers close idle connections.
    set(CURLOPT_MAXAGE_CONN, 10)
    if !settings.keepsConnections { set(CURLOPT_FORBID_REUSE, 1) }
  }

  /// Method and body.
  ///
  /// `POSTFIELDS` would let libcurl rewind and send a body twice; a read callback with a
  /// refusing seek callback does not.
  func describe(_ transfer: Transfer) {
    let request = transfer.request
    if request.method == "GET", transfer.bodySize == 0 {
      set(CURLOPT_HTTPGET, 1)
    } else if request.method == "POST" {
      set(CURLOPT_POST, 1)
      set(CURLOPT_POSTFIELDSIZE_LARGE, size: transfer.bodySize)
    } else {
      set(CURLOPT_UPLOAD, 1)
      set(CURLOPT_INFILESIZE_LARGE, size: transfer.bodySize)
      set(CURLOPT_CUSTOMREQUEST, request.method)
    }
  }

  private func secure(caFile: String?) {
    set(CURLOPT_SSL_VERIFYPEER, 1)
    set(CURLOPT_SSL_VERIFYHOST, 2)
    set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    guard let caFile else { return }
    set(CURLOPT_CAINFO, caFile)
    // The system's folder of authorities would stay trusted beside the file.
    _ = ccurl_set_text(curl, CURLOPT_CAPATH, nil)
  }

  private func milliseconds(_ duration: Duration) -> Int {
    let parts = duration.components
    // 0 is libcurl's word for "no limit".
    return max(1, Int(parts.seconds) * 1000 + Int(parts.attoseconds / 1_000_000_000_000_000))
  }

  func set(_ option: CURLoption, _ value: Int) { _ = ccurl_set_long(curl, option, value) }

  func set(_ option: CURLoption, _ value: String) { _ = ccurl_set_text(curl, option, value) }

  func set(_ option: CURLoption, size: Int) { _ = ccurl_set_size(curl, option, curl_off_t(size)) }

  func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) {
    _ = ccurl_set_pointer(curl, option, pointer)
  }
}
