/// One injected fault.
public struct Fault: Sendable {}
