import CCurl
import IntakeCore

/// One of libcurl's transfer handles; it keeps its connection and TLS session from one exchange to the next.
///
/// libcurl lets any thread use a handle, but only one at a time: `HTTPClient` lends each to one call.
final class EasyHandle: Sendable {
  // A pointer is not Sendable; that it is used by one thread at a time is what the pool is for.
  nonisolated(unsafe) let curl: UnsafeMutableRawPointer
  nonisolated(unsafe) private let sockets = SocketControl()
  /// Who answered the last exchange on a kept connection, and when; nil where it didn't end well.
  nonisolated(unsafe) private var answered: (origin: String, time: ContinuousClock.Instant)?

  init?() {
    guard HTTPLibrary.start(), let curl = curl_easy_init() else { return nil }
    self.curl = curl
  }

  // Closes the kept connections, while `sockets` is still there to hear of it.
  deinit { curl_easy_cleanup(curl) }

  /// Whether a connection is kept that the next exchange may be given.
  var keepsConnection: Bool { sockets.openCount > 0 }

  /// Whether a connection is kept to this very origin that carried the last exchange, which ended well (2xx) within
  /// so many seconds.
  func hasAnswered(from origin: String, within seconds: Double) -> Bool {
    guard keepsConnection, let answered, answered.origin == origin else { return false }
    return ContinuousClock.now - answered.time < .seconds(seconds)
  }

  /// Runs one exchange to its end; blocks for `deadline` at most, and for `SocketControl.longestWait` after it.
  ///
  /// What a request that was given up still has on the path has arrived when this returns, or never will.
  func perform(
    _ transfer: Transfer, to endpoint: Endpoint, deadline: Duration, settings: HTTPSettings
  ) -> HTTPExchange {
    sockets.begin(transfer)
    defer { sockets.transfer = nil }
    let exchange = performNow(transfer, to: endpoint, deadline: deadline, settings: settings)
    if case .unanswered = exchange { transfer.wait(seconds: sockets.secondsOnPath) }
    // One with a connection of its own says nothing about the one that is kept.
    if transfer.connection != .own {
      answered = exchange.endedWell ? (endpoint.origin, .now) : nil
    }
    return exchange
  }

  private func performNow(
    _ transfer: Transfer, to endpoint: Endpoint, deadline: Duration, settings: HTTPSettings
  ) -> HTTPExchange {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CURL_ERROR_SIZE)) { words in
      words.initialize(repeating: 0)
      // Nothing that libcurl was lent may be reached after this call.
      defer { curl_easy_reset(curl) }
      do throws(NotSent) {
        let fields = try FieldList(transfer.request.headers, expecting: transfer.isExpecting)
        try configure(transfer, fields, to: endpoint, deadline: deadline, settings: settings)
        try set(CURLOPT_ERRORBUFFER, pointer: words.baseAddress)
        let code = withExtendedLifetime((fields, transfer)) { curl_easy_perform(curl) }
        if sockets.wasRefused, code != CURLE_OK {
          throw NotSent(reason: .unreachable, detail: "the system refuses a socket's options")
        }
        let text = words.baseAddress.map { String(cString: $0) } ?? ""
        return transfer.exchange(
          after: code, detail: text.isEmpty ? String(cString: curl_easy_strerror(code)) : text,
          proxied: settings.proxy?.isTaken(to: endpoint) == true ? connectStatus() : nil)
      } catch {
        return .notSent(error)
      }
    }
  }

  /// Sets every option of an exchange and sends nothing.
  ///
  /// - Throws: `NotSent` that names the option which this libcurl refuses.
  func rehearse(_ transfer: Transfer, to endpoint: Endpoint, settings: HTTPSettings)
    throws(NotSent)
  {
    defer { curl_easy_reset(curl) }
    let fields = try FieldList(transfer.request.headers, expecting: transfer.isExpecting)
    try configure(transfer, fields, to: endpoint, deadline: .seconds(1), settings: settings)
    try set(CURLOPT_ERRORBUFFER, pointer: nil)
  }

  private func configure(
    _ transfer: Transfer, _ fields: FieldList, to endpoint: Endpoint, deadline: Duration,
    settings: HTTPSettings
  ) throws(NotSent) {
    curl_easy_reset(curl)
    try set(CURLOPT_HTTPHEADER, pointer: fields.list)
    try aim(at: endpoint)
    try pass(settings.proxy.flatMap { $0.isTaken(to: endpoint) ? $0 : nil })
    try secure(settings)
    try set(CURLOPT_TIMEOUT_MS, milliseconds(deadline))
    let connectTimeout = min(deadline, .seconds(settings.connectTimeout))
    try set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(connectTimeout))
    try set(CURLOPT_EXPECT_100_TIMEOUT_MS, 1000)
    try describe(transfer)
    try connect(to: transfer)
    try control()
    try choose(transfer, settings)
  }

  /// Which connection the exchange gets, and what becomes of it.
  private func choose(_ transfer: Transfer, _ settings: HTTPSettings) throws(NotSent) {
    // Below the 15 s and more after which load balancers close idle connections.
    try set(CURLOPT_MAXAGE_CONN, 10)
    try set(CURLOPT_FRESH_CONNECT, transfer.connection == .own ? 1 : 0)
    let isKept = settings.keepsConnections && transfer.connection != .own
    try set(CURLOPT_FORBID_REUSE, isKept ? 0 : 1)
  }

  /// Method and body.
  ///
  /// `POSTFIELDS` would let libcurl rewind and send a body twice; a read callback with a seek callback that refuses
  /// it does not.
  private func describe(_ transfer: Transfer) throws(NotSent) {
    let request = transfer.request
    if request.method == "GET", transfer.bodySize == 0 {
      try set(CURLOPT_HTTPGET, 1)
    } else if request.method == "POST" {
      try set(CURLOPT_POST, 1)
      try set(CURLOPT_POSTFIELDSIZE_LARGE, size: transfer.bodySize)
    } else {
      try set(CURLOPT_UPLOAD, 1)
      try set(CURLOPT_INFILESIZE_LARGE, size: transfer.bodySize)
      try set(CURLOPT_CUSTOMREQUEST, request.method)
    }
  }

  /// Lends libcurl the transfer for the length of one `curl_easy_perform`.
  private func connect(to transfer: Transfer) throws(NotSent) {
    let context = Unmanaged.passUnretained(transfer).toOpaque()
    for option in [
      CURLOPT_READDATA, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_SEEKDATA,
      CURLOPT_XFERINFODATA, CURLOPT_PREREQDATA,
    ] { try set(option, pointer: context) }
    for (option, callback) in [
      (CURLOPT_READFUNCTION, Transfer.readCallback),
      (CURLOPT_HEADERFUNCTION, Transfer.headerCallback),
      (CURLOPT_WRITEFUNCTION, Transfer.bodyCallback),
    ] { try check(ccurl_set_stream(curl, option, callback), option) }
    try check(ccurl_set_start(curl, Transfer.startCallback), CURLOPT_PREREQFUNCTION)
    try check(ccurl_set_seek(curl, Transfer.seekCallback), CURLOPT_SEEKFUNCTION)
    try check(ccurl_set_progress(curl, Transfer.progressCallback), CURLOPT_XFERINFOFUNCTION)
    try set(CURLOPT_NOPROGRESS, 0)
  }

  /// Lends libcurl the control of the sockets for as long as this handle lives: connections outlast exchanges.
  private func control() throws(NotSent) {
    let context = Unmanaged.passUnretained(sockets).toOpaque()
    try set(CURLOPT_SOCKOPTDATA, pointer: context)
    try set(CURLOPT_CLOSESOCKETDATA, pointer: context)
    try check(ccurl_set_sockopt(curl, EasyHandle.socketOpened), CURLOPT_SOCKOPTFUNCTION)
    try check(ccurl_set_closesocket(curl, EasyHandle.socketEnds), CURLOPT_CLOSESOCKETFUNCTION)
  }
}
