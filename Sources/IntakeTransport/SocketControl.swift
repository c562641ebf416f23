import CCurl

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The sockets of one transfer handle: how much may be under way on them, and how they end.
///
/// A socket that is closed in the middle of a request ends with a reset, which discards what the kernel hasn't delivered
/// (`SO_LINGER` with no time, RFC 9293 §3.10.5). Otherwise the kernel would go on sending after we gave up: measured on
/// a link of 120 kbit/s, 58 KB over 4 s behind a queue, and up to 320 KB over 23 s where the link begins in this
/// machine. The option is set from the start, so that a process that is killed sends nothing more either.
final class SocketControl {
  /// The size of the send buffer in bytes: what a link of 100 kbit/s carries in the 10 s that settling waits.
  ///
  /// It bounds what is on the path, not the speed: a body of 300 KB takes as long as without it, one of 1.3 MB at a
  /// round trip of 100 ms 1.03 s instead of 0.78 s; half as much made it 2.1 s. `TCP_NOTSENT_LOWAT` costs nothing
  /// but bounds only what has not left yet, and that is what the reset takes back anyway.
  static let sendBuffer: Int32 = 131_072
  /// The longest wait for what an aborted request still has on the path, in seconds.
  static let longestWait = 10.0

  /// The current exchange, nil between exchanges.
  var transfer: Transfer?
  /// Open sockets: after an exchange, the kept connections.
  private var opened: Set<Int32> = []
  /// Whether there is an open socket.
  var hasOpen: Bool { !opened.isEmpty }
  /// Seconds until the last bytes of a request that was given up have arrived or are lost; 0 if none were under way.
  private(set) var secondsOnPath = 0.0
  /// Whether the system refused an option that is relied on.
  private(set) var wasRefused = false

  func begin(_ transfer: Transfer) {
    self.transfer = transfer
    transfer.sockets = self
    secondsOnPath = 0
    wasRefused = false
  }

  /// Prepares a socket before it connects; false if the system refuses.
  fileprivate func open(_ socket: Int32) -> Bool {
    opened.insert(socket)
    var size = SocketControl.sendBuffer
    let isSet =
      // A child that inherited the socket would hold it open, and its bytes would still be delivered.
      fcntl(socket, F_SETFD, FD_CLOEXEC) == 0
      && setLinger(true, of: socket)
      && setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size)) == 0
    wasRefused = wasRefused || !isSet
    return isSet
  }

  /// Closes a socket: with a reset if part of a request is under way on it.
  fileprivate func end(_ socket: Int32) -> Int32 {
    opened.remove(socket)
    if transfer?.isUnderWay == true {
      secondsOnPath = max(secondsOnPath, SocketControl.secondsOnPath(of: socket))
    } else {
      // If this fails, the connection ends with a reset, which does no harm.
      _ = setLinger(false, of: socket)
    }
    return close(socket)
  }

  /// Bytes that were written and that the other side hasn't confirmed; 0 where the system doesn't tell.
  ///
  /// None are left once it has answered a request that it had read: its answer brings the confirmation along.
  var unconfirmedBytes: Int {
    #if os(Linux)
      return opened.reduce(0) { sum, socket in
        var count: Int32 = 0
        return ioctl(socket, UInt(TIOCOUTQ), &count) == 0 ? sum + Int(count) : sum
      }
    #else
      return 0
    #endif
  }

  private func setLinger(_ isHard: Bool, of socket: Int32) -> Bool {
    var value = linger(l_onoff: isHard ? 1 : 0, l_linger: 0)
    return setsockopt(socket, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
      == 0
  }

  /// Seconds after which TCP takes an unconfirmed byte for lost (RFC 6298); 0 if none is unconfirmed.
  ///
  /// Measured with 7 to 9 segments in a queue of 120 kbit/s: 1.3 to 1.6 s, and the last byte came after 0.7 to 0.9 s.
  private static func secondsOnPath(of socket: Int32) -> Double {
    #if os(Linux)
      var info = tcp_info()
      var size = socklen_t(MemoryLayout<tcp_info>.size)
      guard getsockopt(socket, Int32(IPPROTO_TCP), TCP_INFO, &info, &size) == 0,
        info.tcpi_unacked > 0
      else { return 0 }
      return min(longestWait, Double(info.tcpi_rto) / 1e6)
    #else
      return 0
    #endif
  }
}

extension EasyHandle {
  /// Has libcurl report every socket to `sockets`, which has to outlive the handle's connections.
  static let socketOpened: curl_sockopt_callback = { context, socket, _ in
    guard let context else { return CURL_SOCKOPT_ERROR }
    let sockets = Unmanaged<SocketControl>.fromOpaque(context).takeUnretainedValue()
    return sockets.open(socket) ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR
  }

  /// libcurl closes a socket, possibly long after its exchange.
  static let socketEnds: curl_closesocket_callback = { context, socket in
    guard let context else { return close(socket) }
    return Unmanaged<SocketControl>.fromOpaque(context).takeUnretainedValue().end(socket)
  }
}
