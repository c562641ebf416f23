import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A regular file that grows at its end only, opened by its own name, closed when it is let go.
///
/// Every call loops over EINTR and reports the error; nothing is retried, above all not `fsync`: after a
/// failed one the kernel may have dropped the page, and the next one succeeds over a hole.
public final class AppendOnlyFile: Sendable {
  /// The path it was opened by.
  public let path: String
  private let descriptor: Int32

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit {
    // A program that is being started holds a copy of the descriptor until it replaces itself, and the lock with it.
    unlock()
    close(descriptor)
  }

  /// How a file is opened.
  public enum Mode: Sendable {
    /// Reads only.
    case reading
    /// Reads and appends to a file that is there.
    case appending
    /// Makes a file that must not be there yet, readable and writable by its owner only (0600).
    case creating
  }

  /// Opens a file; a symbolic link, and anything but a regular file, is refused.
  ///
  /// `O_NONBLOCK` keeps the call from waiting for the other end of a FIFO.
  public static func open(_ path: String, _ mode: Mode) throws(SystemCallFailure) -> AppendOnlyFile
  {
    var flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
    switch mode {
    case .reading: flags |= O_RDONLY
    case .appending: flags |= O_RDWR | O_APPEND
    case .creating: flags |= O_RDWR | O_APPEND | O_CREAT | O_EXCL
    }
    let descriptor = try retried("open") { systemOpen(path, flags, mode: 0o600) }
    let file = AppendOnlyFile(path: path, descriptor: descriptor)
    let status = try file.status()
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SystemCallFailure("open", code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
    }
    return file
  }

  /// Takes the exclusive (or a shared) lock of the file; false when another process holds it.
  ///
  /// `flock` belongs to the open file, not to the process: a library that opens and closes the same file
  /// cannot drop it, as it would a POSIX record lock, and it ends with the process.
  public func lock(shared: Bool = false) throws(SystemCallFailure) -> Bool {
    let kind = shared ? LOCK_SH : LOCK_EX
    do throws(SystemCallFailure) {
      _ = try retried("lock") { flock(descriptor, kind | LOCK_NB) }
      return true
    } catch {
      guard error.code == EWOULDBLOCK else { throw error }
      return false
    }
  }

  /// Lets go of the lock before the file is closed.
  public func unlock() { flock(descriptor, LOCK_UN) }

  /// Bytes in the file.
  public func size() throws(SystemCallFailure) -> Int { Int(try status().st_size) }

  /// Whether another machine keeps the file: locks and `fsync` are then as good as that machine makes them.
  public var isRemote: Bool { csystem_is_remote(descriptor) != 0 }

  /// The permission bits, 0 to 0o7777.
  public func permissions() throws(SystemCallFailure) -> Int { Int(try status().st_mode & 0o7777) }

  /// Whether the file is still the one that its path names: neither deleted nor replaced.
  public func isInPlace() throws(SystemCallFailure) -> Bool {
    let own = try status()
    guard own.st_nlink > 0 else { return false }
    var named = stat()
    guard lstat(path, &named) == 0 else {
      guard errno == ENOENT || errno == ENOTDIR else { throw SystemCallFailure("stat") }
      return false
    }
    return named.st_ino == own.st_ino && named.st_dev == own.st_dev
  }

  /// Reads up to `count` bytes from an offset; fewer at the end of the file only.
  public func read(at offset: Int, count: Int) throws(SystemCallFailure) -> [UInt8] {
    var failure: SystemCallFailure?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count, let base = buffer.baseAddress {
        do throws(SystemCallFailure) {
          let step = try retried("read") {
            pread(descriptor, base + filled, count - filled, off_t(offset + filled))
          }
          guard step > 0 else { return }
          filled += step
        } catch {
          failure = error
          return
        }
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Writes all bytes at the end; on failure some of them may stand there.
  public func append(_ bytes: [UInt8]) throws(SystemCallFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = try retried("write") { rest.withUnsafeBytes { systemWrite(descriptor, $0) } }
      rest = rest.dropFirst(count)
    }
  }

  /// Returns when everything written is on the disk.
  public func synchronize() throws(SystemCallFailure) {
    _ = try retried("fsync") { fsync(descriptor) }
  }

  /// Cuts the file, and gives back space that was reserved behind its end.
  public func truncate(to size: Int) throws(SystemCallFailure) {
    _ = try retried("truncate") { ftruncate(descriptor, off_t(size)) }
  }

  private func status() throws(SystemCallFailure) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw SystemCallFailure("stat") }
    return status
  }

  /// Reserves disk blocks behind the end of the file without changing its size, where the system can.
  ///
  /// Where the file system reserves nothing, a full disk is met by the write itself.
  public func reserve(_ range: Range<Int>) throws(SystemCallFailure) {
    guard !range.isEmpty else { return }
    do throws(SystemCallFailure) {
      _ = try retried("reserve space") {
        csystem_reserve(descriptor, Int64(range.lowerBound), Int64(range.count))
      }
    } catch {
      guard [EOPNOTSUPP, ENOSYS, ENOTSUP].contains(error.code) else { throw error }
    }
  }
}
