import IntakeCore

/// Misbehaviour in writing the answer, or in not writing it.
enum WireEffect: String, FaultKind {
  case dropAfterAccept = "drop-after-accept"
  case closeAfterAccept = "close-after-accept"
  case resetAfterRead = "reset-after-read"
  case closeAfterRead = "close-after-read"
  case keepaliveClose = "keepalive-close"
  case hang
  case cutHeader = "cut-header"
  case cutBody = "cut-body"
  case drip
  case chunked
  case badChunk = "bad-chunk"
  case twoLengths = "two-lengths"
  case obsFold = "obs-fold"
  case nulHeader = "nul-header"
  case bigHeader = "big-header"
  case garbage
  case http09
  case huge
  case closeAfterAnswer = "close-after-answer"
  case idleClose = "idle-close"
  case connectionClose = "connection-close"

  var parameters: [FaultParameter] {
    switch self {
    case .keepaliveClose: return [.flag("accepted")]
    case .hang: return [.milliseconds(3_600_000), .flag("accepted")]
    case .drip: return [.milliseconds(500)]
    case .bigHeader: return [.integer("bytes", 1...100_000_000, 2_000_000)]
    case .huge: return [.integer("bytes", 1...10_000_000_000, 400_000_000)]
    case .idleClose: return [.milliseconds(2000)]
    default: return []
    }
  }

  var summary: String {
    switch self {
    case .dropAfterAccept: return "carry out, then reset without an answer"
    case .closeAfterAccept: return "carry out, then close without an answer"
    case .resetAfterRead: return "read the whole request, do nothing, reset"
    case .closeAfterRead: return "read the whole request, do nothing, close"
    case .keepaliveClose: return "close-after-read, from the second request of a connection on"
    case .hang:
      return "no answer; the connection stays open until the time is over or the client ends it"
    case .cutHeader: return "carry out, send half a header, close"
    case .cutBody: return "carry out, send the header and half the body, close"
    case .drip: return "carry out, answer one byte at a time, that far apart"
    case .chunked: return "answer in chunks, as is allowed"
    case .badChunk: return "answer in chunks, one with a malformed size"
    case .twoLengths: return "two Content-Length that disagree"
    case .obsFold: return "a header field folded over two lines"
    case .nulHeader: return "a NUL in a header field"
    case .bigHeader: return "that many bytes of header"
    case .garbage: return "bytes that are no HTTP"
    case .http09: return "the body alone, as HTTP/0.9 had it"
    case .huge: return "a body of that many bytes"
    case .closeAfterAnswer: return "promise to keep the connection, close it after the answer"
    case .idleClose: return "answer, then close when the connection is idle for that long"
    case .connectionClose: return "answer with Connection: close, as is allowed"
    }
  }

  /// Whether the request is carried out before the answer is spoiled.
  func carriesOut(_ fault: Fault) -> Bool {
    switch self {
    case .resetAfterRead, .closeAfterRead: return false
    case .keepaliveClose, .hang: return fault.has("accepted")
    default: return true
    }
  }

  /// Whether the client gets a status at all.
  var answers: Bool {
    switch self {
    case .dropAfterAccept, .closeAfterAccept, .resetAfterRead, .closeAfterRead, .keepaliveClose,
      .hang, .cutHeader, .garbage, .http09:
      return false
    default: return true
    }
  }
}
