import CCurl
import IntakeCore

/// One of libcurl's transfer handles; it keeps its connection and TLS session from one exchange to the next.
///
/// libcurl lets any thread use a handle, but only one at a time: `HTTPClient` lends each to one call.
final class EasyHandle: Sendable {
  // A pointer is not Sendable; that it is used by one thread at a time is what the pool is for.
  nonisolated(unsafe) let curl: UnsafeMutableRawPointer

  init?() {
    HTTPLibrary.start()
    guard let curl = curl_easy_init() else { return nil }
    self.curl = curl
  }

  deinit { curl_easy_cleanup(curl) }

  /// Runs one exchange to its end; blocks for `deadline` at most.
  func perform(
    _ transfer: Transfer, to endpoint: Endpoint, deadline: Duration, settings: HTTPSettings
  ) -> HTTPExchange {
    guard let fields = FieldList(transfer.request.headers, expecting: transfer.isExpecting) else {
      return .notSent(NotSent(reason: .invalid, detail: "a header field holds a line break"))
    }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CURL_ERROR_SIZE)) { words in
      words.initialize(repeating: 0)
      curl_easy_reset(curl)
      set(CURLOPT_ERRORBUFFER, pointer: words.baseAddress)
      set(CURLOPT_HTTPHEADER, pointer: fields.list)
      configure(for: endpoint, deadline: deadline, settings: settings)
      describe(transfer)
      connect(to: transfer)
      let code = withExtendedLifetime((fields, transfer)) { curl_easy_perform(curl) }
      // Nothing that libcurl was lent may be reached after this call.
      curl_easy_reset(curl)
      let text = words.baseAddress.map { String(cString: $0) } ?? ""
      return transfer.exchange(
        after: code, detail: text.isEmpty ? String(cString: curl_easy_strerror(code)) : text)
    }
  }
}

/// The header fields of a request in libcurl's form; freed with the last reference.
final class FieldList {
  let list: UnsafeMutablePointer<curl_slist>?

  /// Nil when a field would break the header apart.
  init?(_ fields: [HTTPField], expecting: Bool) {
    var lines = fields.map { $0.value.isEmpty ? $0.name + ";" : $0.name + ": " + $0.value }
    // Without a value libcurl leaves a field out: it must add neither Expect nor a form's type by itself.
    lines.append(expecting ? "Expect: 100-continue" : "Expect:")
    // An absent field allows every encoding (RFC 9110 §12.5.3), and nothing here unpacks one.
    lines.append("Accept-Encoding: identity")
    if !fields.contains(where: { $0.name.lowercased() == "content-type" }) {
      lines.append("Content-Type:")
    }
    guard lines.allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }) else { return nil }
    list = lines.reduce(nil) { curl_slist_append($0, $1) ?? $0 }
  }

  deinit { curl_slist_free_all(list) }
}
