import IntakeCore
import Synchronization

/// Customers kept on disk across restarts.
final class StateDirectory: Sendable {
  private let path: String

  init(_ path: String) throws(SandboxError) { self.path = path }

  func customers() throws(SandboxError) -> [Customer] { [] }
  func save(_ latest: () -> Customer?) -> Bool { true }
  func bytes(of image: StoredImage, side: Side, of customer: Customer) -> [UInt8]? { nil }
  func clear() {}
}
