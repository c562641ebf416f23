#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A disk of 64 KiB in memory, where the process may mount one.
package final class SmallDisk: Sendable {
  package let path: String

  package static let isAvailable = SmallDisk() != nil

  package init?() {
    #if os(Linux)
      var template = Array("/tmp/docintake-disk-XXXXXX".utf8CString)
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

  /// Takes all the room that nobody has reserved.
  package func fill() {
    guard let file = fopen(path + "/filler", "w") else { return }
    setvbuf(file, nil, _IONBF, 0)
    while fputc(0x78, file) != EOF {}
    fclose(file)
  }

  /// A megabyte from now on.
  package func grow() async throws { try await remount(0, "size=1m") }

  /// Nothing can be written from now on.
  package func makeReadOnly() async throws {
    #if os(Linux)
      try await remount(UInt(MS_RDONLY), nil)
    #endif
  }

  private func remount(_ flags: UInt, _ options: String?) async throws {
    #if os(Linux)
      let flags = flags | UInt(MS_REMOUNT)
      guard mount("none", path, "tmpfs", flags, options) == 0 else {
        throw ProgramError("the disk cannot be mounted anew: error \(errno)")
      }
    #endif
  }

  deinit {
    #if os(Linux)
      umount2(path, Int32(MNT_DETACH))
      rmdir(path)
    #endif
  }
}
