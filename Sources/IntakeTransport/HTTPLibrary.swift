import CCurl
import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// libcurl as this program uses it: its version and its one-time start.
public enum HTTPLibrary {
  /// What a server sees of us; fixed, so that it tells nothing about the machine.
  static let userAgent = "docintake/\(ProductVersion.number)"

  /// libcurl and what it is built on, in the form `libcurl/7.88.1 OpenSSL/3.0.17 …`.
  public static let version: String = {
    start()
    return curl_version().map { String(cString: $0) } ?? "libcurl"
  }()

  private static let started: Bool = {
    // libcurl would write every session's keys to the file that this variable names.
    if getenv("SSLKEYLOGFILE") != nil { unsetenv("SSLKEYLOGFILE") }
    return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
  }()

  /// Starts libcurl, once in a process.
  static func start() { _ = started }
}
