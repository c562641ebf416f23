import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An open descriptor that secrets are read from; closed afterwards, so that no child inherits it.
struct SecretDescriptor {
  /// A writer that keeps the other end open without writing is given up after so long.
  static let patience = Duration.seconds(10)

  let number: Int32
  let name: String

  init(_ number: Int32, name: String? = nil) {
    self.number = number
    self.name = name ?? "descriptor \(number)"
  }

  /// The content without one line end at its end.
  func read() throws(StageFailure) -> [UInt8] {
    defer { close(number) }
    let end = ContinuousClock.now + SecretDescriptor.patience
    var content: [UInt8] = []
    while let piece = try next(before: end) {
      content += piece
      guard content.count <= CredentialsSource.sizeLimit else {
        throw .credentials("\(name) holds more than \(CredentialsSource.sizeLimit) bytes")
      }
    }
    return try SecretDescriptor.trimmed(content, name: name)
  }

  /// Takes one line end away and refuses what no secret holds.
  static func trimmed(_ content: [UInt8], name: String) throws(StageFailure) -> [UInt8] {
    var content = content
    if content.last == 0x0A { content.removeLast() }
    if content.last == 0x0D { content.removeLast() }
    guard !content.isEmpty else { throw .credentials("\(name) is empty") }
    guard !content.contains(0) else { throw .credentials("\(name) holds a NUL byte") }
    return content
  }

  /// The next bytes, nil at the end.
  private func next(before end: ContinuousClock.Instant) throws(StageFailure) -> [UInt8]? {
    while true {
      var ready = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
      _ = poll(&ready, 1, 100)
      guard ContinuousClock.now < end else {
        throw .credentials("\(name) did not end within 10 s")
      }
      if ready.revents == 0 { continue }
      var buffer = [UInt8](repeating: 0, count: 4096)
      #if canImport(Glibc)
        let count = Glibc.read(number, &buffer, buffer.count)
      #else
        let count = Darwin.read(number, &buffer, buffer.count)
      #endif
      if count > 0 { return Array(buffer.prefix(count)) }
      if count == 0 { return nil }
      guard errno == EINTR || errno == EAGAIN else {
        throw .credentials("\(name) cannot be read (\(String(cString: strerror(errno))))")
      }
    }
  }
}
