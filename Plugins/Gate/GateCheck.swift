import IntakeCore

/// One check with what is to be done about its findings.
struct GateCheck: Sendable {
  static let words = ["off", "warn", "refuse"]

  private let name: String
  private let action: String

  init(_ name: String, _ action: String) {
    self.name = name
    self.action = action
  }

  var isOn: Bool { action != "off" }

  /// Refuses the scan or tells the operator.
  func report(_ finding: String, _ remedy: String, _ context: StageContext) throws(StageFailure) {
    guard action == "refuse" else {
      let side = context.side.map { "\($0): " } ?? ""
      return context.log(.warning, side + finding)
    }
    throw StageFailure(
      .refusedByStage, finding, hint: "\(remedy), or set gate.\(name) to warn", side: context.side)
  }
}
