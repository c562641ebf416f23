import IntakeSystem
import Testing

/// So many cases of a suite at a time: most of them wait for most of their time, and each starts processes.
struct AtMost: SuiteTrait, TestTrait, TestScoping {
  private let lanes: Permits
  var isRecursive: Bool { true }

  fileprivate init(_ count: Int) { lanes = Permits(capacity: count) }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    await lanes.enter()
    defer { lanes.leave() }
    try await function()
  }
}

extension Trait where Self == AtMost {
  static func atMost(_ count: Int) -> Self { AtMost(count) }
}
