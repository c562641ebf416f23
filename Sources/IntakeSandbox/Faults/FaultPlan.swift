/// All faults of a sandbox, and which of them act on a request.
struct FaultPlan: Sendable {
  private let faults: [Fault]

  init(_ faults: [Fault]) { self.faults = faults }

  /// What goes wrong before the body is read.
  func opening(_ facts: RequestFacts) -> (effect: OpeningEffect, fault: Fault)? {
    for fault in faults {
      if case .opening(let effect) = fault.effect, fault.applies(to: facts) {
        return (effect, fault)
      }
    }
    return nil
  }

  /// What goes wrong once the request is known.
  func selection(_ facts: RequestFacts) -> FaultSelection {
    var selection = FaultSelection()
    for fault in faults where fault.applies(to: facts) { selection.add(fault) }
    return selection
  }
}

/// The faults that act on one request: at most one of each phase, and all that are about time.
struct FaultSelection {
  private(set) var names: [String] = []
  private(set) var latency = 0
  private(set) var slowness = 0
  private(set) var clockOffset = 0
  private(set) var verdict: (effect: VerdictEffect, fault: Fault)?
  private(set) var content: (effect: ContentEffect, fault: Fault)?
  private(set) var wire: (effect: WireEffect, fault: Fault)?

  /// Adds a fault unless an earlier one of its phase has been chosen.
  mutating func add(_ fault: Fault) {
    switch fault.effect {
    case .opening: return
    case .timing(.latency): latency += fault["ms"]
    case .timing(.slow): slowness += fault["ms"]
    case .timing(.clock): clockOffset += fault["seconds"]
    case .verdict(let effect):
      if verdict != nil { return }
      verdict = (effect, fault)
    case .content(let effect):
      if content != nil { return }
      content = (effect, fault)
    case .wire(let effect):
      if wire != nil { return }
      wire = (effect, fault)
    }
    names.append(fault.description)
  }

  /// Whether the vendor gets to see the request.
  var carriesOut: Bool {
    if let wire, !wire.effect.carriesOut(wire.fault) { return false }
    guard let verdict else { return true }
    let isSuccess = verdict.fault.code.map { (200...299).contains($0) } ?? false
    return isSuccess || verdict.fault.has("accepted")
  }
}
