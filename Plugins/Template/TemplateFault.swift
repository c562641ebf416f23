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
  init(_ option: OptionDescriptor, _ fault: TemplateFault) {
    self.init(
      option: option.name, "option \"\(option.name)\" of stage \"template\": \(fault.message)")
  }
}

extension OptionDescriptor {
  /// Does something with the option's value and adds the option's name to what is wrong.
  func reading<Result>(_ body: () throws(TemplateFault) -> Result) throws(OptionError) -> Result {
    do throws(TemplateFault) { return try body() } catch { throw OptionError(self, error) }
  }
}
