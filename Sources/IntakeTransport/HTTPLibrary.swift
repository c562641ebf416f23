import CCurl
public import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// libcurl: its version, its start, and whether it can be relied on.
public enum HTTPLibrary {
  /// The User-Agent; fixed, so that it tells nothing about the machine.
  static let userAgent = "docintake/\(ProductVersion.number)"

  /// libcurl and what it is built on: `libcurl/7.88.1 OpenSSL/3.0.17 …`.
  public static let version: String = {
    start()
    return curl_version().map { String(cString: $0) } ?? "libcurl"
  }()

  private static let started: Bool = {
    // libcurl would write the keys of every session to the file that this variable names.
    if getenv("SSLKEYLOGFILE") != nil { unsetenv("SSLKEYLOGFILE") }
    return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
  }()

  /// Starts libcurl once in a process; false if it can't be used.
  @discardableResult
  static func start() -> Bool { started }

  /// Refuses a libcurl that lacks an option that these settings need, before anything is sent.
  ///
  /// Without the hook that reports a request on its way, for example, a request that was sent would count as not sent.
  ///
  /// - Throws: `StageFailure` of class fatal.
  public static func check(for settings: HTTPSettings) throws(StageFailure) {
    guard let problem = problem(with: settings) else { return }
    throw StageFailure(
      .connectionFailed, problem,
      hint: "install libcurl \(oldestVersion) or later; nothing was sent",
      outcome: .fatal)
  }

  private static let oldestVersion = "7.\(ccurl_oldest_version >> 8 & 0xFF)"

  /// Nil if every option that an exchange with these settings sets is accepted.
  private static func problem(with settings: HTTPSettings) -> String? {
    guard start(), let info = curl_version_info(CURLVERSION_FIRST) else {
      return "libcurl cannot be started"
    }
    guard info.pointee.version_num >= ccurl_oldest_version else {
      return "this libcurl (\(version)) is too old"
    }
    guard let handle = EasyHandle() else { return "libcurl has no memory for a transfer" }
    var settings = settings
    settings.caFile = settings.caFile ?? "authorities.pem"
    settings.keepsConnections = false
    for method in ["GET", "POST", "PUT"] {
      let body: [[UInt8]] = method == "GET" ? [] : [[0]]
      let url = method == "GET" ? "http://localhost/" : "https://target.invalid/"
      let request = HTTPRequest(method: method, url: url, headers: [], body: body)
      let transfer = Transfer(request, expecting: true, limits: settings, abort: AbortFlag())
      do {
        try handle.rehearse(transfer, to: try Endpoint(request: url), settings: settings)
      } catch {
        return (error as? NotSent)?.detail ?? "\(error)"
      }
    }
    return nil
  }
}
