#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the terminal behind standard error can do.
enum Terminal {
  /// Whether a person watches standard error.
  static var isInteractive: Bool { isatty(2) == 1 && environment("TERM") != "dumb" }

  /// NO_COLOR (no-color.org) wins over CLICOLOR_FORCE; without either, colour where a person watches.
  static var wantsColor: Bool {
    if environment("NO_COLOR") != nil { return false }
    if let force = environment("CLICOLOR_FORCE"), force != "0" { return true }
    return isInteractive
  }

  /// Columns of the terminal, 80 when it does not say.
  static var width: Int {
    var size = winsize()
    guard ioctl(2, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// A variable that is set and not empty.
  static func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }
}
