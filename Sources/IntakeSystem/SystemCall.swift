public import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A system call that failed, with what it was meant to do.
public struct SystemCallFailure: PrintableError, Equatable {
  /// What was being done: `write`, `create the folder`.
  public let action: String
  /// The system's number of the error (`errno`).
  public let code: Int32

  /// Takes a given error.
  public init(_ action: String, code: Int32) {
    self.action = action
    self.code = code
  }

  /// Takes the error of the last system call.
  public init(_ action: String) { self.init(action, code: errno) }

  /// `write: No space left on device`.
  public var description: String { "\(action): \(reason)" }

  /// What the system says about the error.
  public var reason: String { String(cString: strerror(code)) }

  /// Whether the disk, a quota or a limit on file sizes leaves no room.
  public var isOutOfSpace: Bool { [ENOSPC, EDQUOT, EFBIG].contains(code) }

  /// Whether there is no right, or no place, to make a file where its path says; trying again would not help.
  public var isForbidden: Bool { [EACCES, EPERM, EROFS, ENOTDIR].contains(code) }

  /// `EFBIG`: a limit on the size of files.
  public static let fileTooLarge = EFBIG
  /// `EPERM`.
  public static let notPermitted = EPERM
  /// `EACCES`.
  public static let accessDenied = EACCES
  /// `EROFS`.
  public static let readOnly = EROFS
  /// `ELOOP`: a symbolic link where none is followed.
  public static let isLink = ELOOP
  /// `EISDIR`.
  public static let isFolder = EISDIR
  /// `EINVAL`, which `AppendOnlyFile` throws for anything else that isn't a regular file.
  public static let isSpecial = EINVAL
  /// `EEXIST`.
  public static let exists = EEXIST
  /// `ENOEXEC`: a file that the system cannot run.
  public static let notExecutable = ENOEXEC
  /// `ENOENT`.
  public static let notFound = ENOENT
}

/// Repeats a call while signals interrupt it, and turns -1 into an error.
func retried<Result: SignedInteger>(_ action: String, _ call: () -> Result)
  throws(SystemCallFailure) -> Result
{
  while true {
    let result = call()
    if result >= 0 { return result }
    guard errno == EINTR else { throw SystemCallFailure(action) }
  }
}

/// Reads up to `count` bytes by a call that is told where it starts; fewer where the data ends.
func filled(
  _ count: Int, by read: (_ room: UnsafeMutableRawBufferPointer, _ offset: Int) -> Int
) throws(SystemCallFailure) -> [UInt8] {
  var failure: SystemCallFailure?
  let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
    let room = UnsafeMutableRawBufferPointer(buffer)
    do throws(SystemCallFailure) {
      while filled < count {
        let step = try retried("read") {
          read(UnsafeMutableRawBufferPointer(rebasing: room[filled..<count]), filled)
        }
        guard step > 0 else { return }
        filled += step
      }
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return bytes
}

/// An absolute path without links; nil, with `errno`, where it leads nowhere.
func realPath(_ path: String) -> String? {
  guard let resolved = realpath(path, nil) else { return nil }
  defer { free(resolved) }
  return String(cString: resolved)
}

// Where a type has a method of the same name, it hides the system's function.

/// `open(2)`.
func systemOpen(_ path: String, _ flags: Int32, mode: mode_t = 0) -> Int32 {
  open(path, flags, mode)
}

/// `read(2)`.
func systemRead(_ descriptor: Int32, _ room: UnsafeMutableRawBufferPointer) -> Int {
  read(descriptor, room.baseAddress, room.count)
}

/// `write(2)`.
func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}

/// `send(2)`, without SIGPIPE where the system can.
func systemSend(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  #if canImport(Glibc)
    return send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
  #else
    return send(descriptor, bytes.baseAddress, bytes.count, 0)
  #endif
}

/// Descriptors by number: streams that nobody owns, and what is passed to other programs.
public enum RawDescriptor {
  /// Writes all bytes, however long the reader takes; false if the other end is gone or the disk is full.
  ///
  /// `FileHandle.write` traps on both (`/dev/full` ends the process), so nothing here uses it.
  public static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    failure(writing: bytes, to: descriptor) == nil
  }

  /// Writes all bytes, and says what went wrong.
  public static func failure(writing bytes: [UInt8], to descriptor: Int32) -> SystemCallFailure? {
    bytes.withUnsafeBytes { failure(writing: $0, to: descriptor) }
  }

  static func failure(writing bytes: UnsafeRawBufferPointer, to descriptor: Int32)
    -> SystemCallFailure?
  {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = systemWrite(descriptor, UnsafeRawBufferPointer(rebasing: rest))
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        // A pipe that its other owner (Node, ssh, `script`) made non-blocking is full now and then.
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&wanted, 1, -1)
      } else if errno != EINTR {
        return SystemCallFailure("write")
      }
    }
    return nil
  }

  /// The reading end of a pipe that holds a few bytes (it takes 64 KB without a reader); nil if no descriptor is left.
  public static func holding(_ bytes: [UInt8]) -> Int32? {
    var ends: [Int32] = [0, 0]
    guard bytes.count <= 4096, pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = write(bytes, to: ends[1])
    close(ends[1])
    return ends[0]
  }
}
