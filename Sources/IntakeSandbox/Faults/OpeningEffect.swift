/// Misbehaviour before the body is read; nothing but number, connection and path is known of the request yet.
enum OpeningEffect: String, FaultKind {
  case closeBefore = "close-before"
  case resetBefore = "reset-before"
  case early
  case expectationFailed = "417"
  case never100 = "never-100"
  case flood100 = "100-flood"
  case closeAfter100 = "100-close"
  case stallRead = "stall-read"
  case throttle

  var parameters: [FaultParameter] {
    switch self {
    case .early: return [.integer("status", 300...599, 413), .flag("abrupt")]
    case .flood100: return [.integer("count", 1...10_000, 20)]
    case .stallRead: return [.milliseconds(600_000)]
    case .throttle: return [.integer("rate", 1...1_000_000_000, 65_536)]
    default: return []
    }
  }

  var summary: String {
    switch self {
    case .closeBefore: return "close after the header, the body unread"
    case .resetBefore: return "reset after the header, the body unread"
    case .early:
      return "answer before reading the body, then close (abrupt: reset the upload); "
        + "413-early is short for early=413"
    case .expectationFailed:
      return "answer 417 to Expect: 100-continue, and serve requests without it"
    case .never100: return "never send 100 Continue; wait for the body"
    case .flood100: return "send that many 100 Continue"
    case .closeAfter100: return "send 100 Continue, then close"
    case .stallRead: return "stop reading, then close"
    case .throttle: return "read the body at that many bytes a second"
    }
  }
}
