/// Misbehaviour in time; these add up instead of excluding each other.
enum TimingEffect: String, FaultKind {
  case latency
  case slow
  case clock

  var parameters: [FaultParameter] {
    switch self {
    case .latency: return [.milliseconds(40)]
    case .slow: return [.milliseconds(1000)]
    case .clock: return [.integer("seconds", -86_400...86_400, 600)]
    }
  }

  var summary: String {
    switch self {
    case .latency: return "wait before carrying the request out"
    case .slow: return "carry it out, then wait before answering"
    case .clock: return "judge times, and write Date, with a clock that is ahead by that much"
    }
  }
}
