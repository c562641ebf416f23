/// The rules of Swift stages, each with the file of the contract that holds it.
extension ConformanceRule {
  private static func stage(_ name: String, _ statement: String, _ file: String) -> ConformanceRule
  {
    ConformanceRule(name, statement, see: "Sources/IntakeCore/Contract/\(file).swift")
  }

  static let stageName = stage(
    "name", "is called by a-z, 0-9 and hyphens, first a letter", "StageRegistry")
  static let summary = stage("summary", "says on one line what it does", "Plugin")
  static let optionNames = stage(
    "option-names", "names each option once, in lower case and hyphens, with help",
    "Option")
  static let defaults = stage(
    "defaults", "has defaults that its options would take", "Option")
  static let example = stage(
    "example", "has an example that is an entry of a plan for this stage", "Plugin")
  static let creation = stage("init", "can be made with the options of its example", "Plugin")
  static let preparation = stage("prepare", "can be prepared", "Plugin")
  static let ordinary = stage("ordinary", "takes ordinary input", "Stage")
  static let sameOutput = stage("same-output", "returns the same for the same input", "Stage")
  static let concurrent = stage(
    "concurrent", "returns the same when several items run through it at once", "Stage")
  static let side = stage("side", "leaves an image on its side of the document", "Roles")
  static let hostile = stage(
    "hostile", "answers hostile input with a value or with a failure of that row", "Stage")
  static let privacy = stage(
    "privacy", "keeps file names and personal data out of failures", "Stage")
  static let cancellation = stage(
    "cancellation", "ends within 10 s when its task is cancelled", "Stage")
}
