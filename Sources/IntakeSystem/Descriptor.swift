#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A descriptor that is read from, closed when nobody holds it any more.
public final class Descriptor: Sendable {
  /// The number the system knows it by.
  public let number: Int32
  private let isOwned: Bool

  /// Takes over an open descriptor and closes it in the end.
  public init(owning number: Int32) {
    self.number = number
    isOwned = true
  }

  private init(borrowing number: Int32) {
    self.number = number
    isOwned = false
  }

  deinit {
    if isOwned { close(number) }
  }

  /// Standard input; never closed.
  public static let standardInput = Descriptor(borrowing: STDIN_FILENO)

  /// Opens a file, pipe or folder that the operator named; waits for a pipe's other end.
  public static func open(_ path: String) throws(FileFailure) -> Descriptor {
    guard !path.utf8.contains(0) else { throw .notFound }
    while true {
      #if canImport(Glibc)
        let number = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
      #else
        let number = Darwin.open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
      #endif
      if number >= 0 { return Descriptor(owning: number) }
      guard errno == EINTR else { throw FileFailure(code: errno) }
    }
  }

  /// What the system knows about the file behind it.
  public func status() throws(FileFailure) -> FileStatus {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw FileFailure(code: errno) }
    return FileStatus(status)
  }

  /// Reads what is there, at least one byte unless the end is reached; returns how many.
  ///
  /// Waits with `poll` and looks up every quarter of a second, so that a cancelled task does not
  /// hang on a terminal or a pipe that nobody writes to.
  ///
  /// - Throws: `CancellationError` when the task was cancelled meanwhile, else `FileFailure`.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      try waitForInput()
      let count = systemRead(buffer)
      if count >= 0 { return count }
      guard errno == EINTR || errno == EAGAIN else { throw FileFailure(code: errno) }
    }
  }

  private func waitForInput() throws {
    var request = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    while true {
      let ready = poll(&request, 1, 250)
      // An error of poll shows again in read, which names it.
      if ready > 0 || (ready < 0 && errno != EINTR) { return }
      try Task.checkCancellation()
    }
  }

  func systemRead(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    #if canImport(Glibc)
      return Glibc.read(number, buffer.baseAddress, buffer.count)
    #else
      return Darwin.read(number, buffer.baseAddress, buffer.count)
    #endif
  }
}
