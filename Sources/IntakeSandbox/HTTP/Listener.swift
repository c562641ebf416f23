#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A listening socket on 127.0.0.1; the sandbox is reachable from this machine only.
struct Listener: Sendable {
  /// The socket.
  let descriptor: Int32
  /// The port it listens on.
  let port: UInt16

  /// Binds and listens; port 0 takes a free one.
  init(port wanted: UInt16) throws(SandboxError) {
    #if canImport(Darwin)
      let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #else
      let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
      let descriptor = socket(AF_INET, stream | Int32(SOCK_NONBLOCK.rawValue), 0)
    #endif
    guard descriptor >= 0 else { throw .cannotListen(port: wanted, errno: errno) }
    var yes: Int32 = 1
    let optionSize = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, optionSize)
    guard Listener.bindToLoopback(descriptor, wanted), listen(descriptor, 128) == 0,
      let port = Listener.port(of: descriptor)
    else {
      let reason = errno
      close(descriptor)
      throw reason == EADDRINUSE
        ? .portInUse(port: wanted) : .cannotListen(port: wanted, errno: reason)
    }
    self.descriptor = descriptor
    self.port = port
  }

  private static func bindToLoopback(_ descriptor: Int32, _ port: UInt16) -> Bool {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafeBytes(of: &address) { raw in
      guard let base = raw.bindMemory(to: sockaddr.self).baseAddress else { return false }
      return bind(descriptor, base, socklen_t(raw.count)) == 0
    }
  }

  private static func port(of descriptor: Int32) -> UInt16? {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let failed = withUnsafeMutableBytes(of: &address) { raw in
      guard let base = raw.bindMemory(to: sockaddr.self).baseAddress else { return true }
      return getsockname(descriptor, base, &size) != 0
    }
    return failed ? nil : UInt16(bigEndian: address.sin_port)
  }

  /// The next connection's socket; waits for at most `milliseconds`, nil when none came.
  func accept(waiting milliseconds: Int32) -> Int32? {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, milliseconds) > 0 else { return nil }
    #if canImport(Glibc)
      let accepted = Glibc.accept(descriptor, nil, nil)
    #else
      let accepted = Darwin.accept(descriptor, nil, nil)
    #endif
    guard accepted >= 0 else {
      // Out of descriptors: without a pause this loop would take a whole core until one is free.
      if errno == EMFILE || errno == ENFILE { poll(nil, 0, 20) }
      return nil
    }
    Listener.prepare(accepted)
    return accepted
  }

  private static func prepare(_ descriptor: Int32) {
    // Programs started by the same process must not hold the connection open.
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    var yes: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    // Header and body may go out in two writes: with Nagle's wait each answer would take 40 ms.
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, size)
    #if canImport(Darwin)
      setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &yes, size)
    #endif
  }
}
