import CCurl
import IntakeCore

extension Transfer {
  /// What the exchange amounts to, now that libcurl has ended it with `code`.
  func exchange(after code: CURLcode, detail: String) -> HTTPExchange {
    if code == CURLE_OK, stop == nil, let response = head.response(body: body) {
      return .answered(response, bodyBytes: bodyBytes)
    }
    if starts == 0 {
      return .notSent(NotSent(reason: NotSent.Reason(code), detail: Sanitizer.clean(detail)))
    }
    let reason = stop ?? Unanswered.Reason(code)
    if bodySize > 0, bodyBytes == 0, !head.isComplete {
      return .notSent(NotSent(reason: reason == .aborted ? .aborted : .withheld, detail: ""))
    }
    return .unanswered(
      Unanswered(reason: reason, bodyBytes: bodyBytes, head: head.response(body: [])))
  }
}

extension NotSent.Reason {
  /// libcurl's code for an exchange that ended before the first byte of a header.
  init(_ code: CURLcode) {
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST: self = .unresolved
    case CURLE_OPERATION_TIMEDOUT: self = .timedOut
    case CURLE_SSL_CONNECT_ERROR: self = .handshake
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
      CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      self = .untrusted
    case CURLE_ABORTED_BY_CALLBACK: self = .aborted
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT,
      CURLE_UNKNOWN_OPTION, CURLE_NOT_BUILT_IN:
      self = .invalid
    default: self = .unreachable
    }
  }
}

extension Unanswered.Reason {
  /// libcurl's code for an exchange that ended after the header went out.
  init(_ code: CURLcode) {
    switch code {
    case CURLE_OPERATION_TIMEDOUT: self = .deadline
    // 0 with an incomplete header: the connection was closed inside a header line.
    case CURLE_OK, CURLE_PARTIAL_FILE: self = .cutShort
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING:
      self = .malformed
    default: self = .closed
    }
  }
}
