/// What a ledger says about one step of a row that takes several requests.
enum StepState: String {
  /// About to be sent.
  case begun
  /// The target has it.
  case accepted
}
