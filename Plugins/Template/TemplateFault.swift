import IntakeCore

/// What is wrong with a template, before it is known which option holds it.
struct TemplateFault: Error, Equatable {
  let message: String

  init(_ message: String) { self.message = message }

  /// A name that means nothing here, with the one that was most likely meant.
  static func unknown(_ text: String, among known: [String], _ rule: String) -> TemplateFault {
    TemplateFault("{\(shown(text))}: \(rule)\(NearestName.suggestion(for: text, among: known))")
  }

  /// A text of the plan as messages quote it.
  static func shown(_ text: String) -> String { Sanitizer.clean(text, limit: 60) }
}

extension OptionError {
  /// The fault with the option's name.
  init(template option: String, _ fault: TemplateFault) {
    self.init(option: option, "option \"\(option)\" of stage \"template\": \(fault.message)")
  }
}
