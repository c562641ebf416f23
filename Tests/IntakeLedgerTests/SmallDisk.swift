#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A disk of 64 KiB in memory, where the process may mount one.
final class SmallDisk: Sendable {
  let path: String

  static let isAvailable = SmallDisk() != nil

  init?() {
    #if os(Linux)
      var template = Array("/tmp/ledger-disk-XXXXXX".utf8CString)
      guard let made = mkdtemp(&template) else { return nil }
      path = String(cString: made)
      guard mount("none", path, "tmpfs", 0, "size=64k,mode=700") == 0 else {
        rmdir(path)
        return nil
      }
    #else
      return nil
    #endif
  }

  deinit {
    #if os(Linux)
      umount2(path, Int32(MNT_DETACH))
      rmdir(path)
    #endif
  }

  /// Takes all the room that nobody has reserved.
  func fill() {
    guard let file = fopen(path + "/filler", "w") else { return }
    setvbuf(file, nil, _IONBF, 0)
    while fputc(0x78, file) != EOF {}
    fclose(file)
  }
}
