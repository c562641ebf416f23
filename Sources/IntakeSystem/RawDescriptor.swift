#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Descriptors as numbers, for streams that nobody owns and for handing over to other programs.
public enum RawDescriptor {
  /// Writes all bytes; false when the other end is gone or the disk is full.
  ///
  /// `FileHandle.write` traps on both (`/dev/full` ends the process), so nothing here uses it.
  public static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    failure(writing: bytes, to: descriptor) == nil
  }

  /// Writes all bytes, and says what went wrong.
  public static func failure(writing bytes: [UInt8], to descriptor: Int32) -> SystemCallFailure? {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { buffer -> Int in
        guard let base = buffer.baseAddress else { return 0 }
        #if canImport(Glibc)
          return Glibc.write(descriptor, base + done, bytes.count - done)
        #else
          return Darwin.write(descriptor, base + done, bytes.count - done)
        #endif
      }
      if count > 0 {
        done += count
      } else if errno != EINTR {
        return SystemCallFailure("write")
      }
    }
    return nil
  }
}

extension RawDescriptor {
  /// The reading end of a pipe that holds a few bytes (a pipe takes 64 KB without a reader); nil when none is left.
  public static func holding(_ bytes: [UInt8]) -> Int32? {
    var ends: [Int32] = [0, 0]
    guard bytes.count <= 4096, pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = write(bytes, to: ends[1])
    close(ends[1])
    return ends[0]
  }
}

/// Signals by the numbers of this system.
public enum SignalNumber {
  /// SIGINT, as Ctrl-C sends it.
  public static let interrupt = SIGINT
}
