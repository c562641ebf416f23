import IntakeCore

/// The files of a new stage: they build, and pass the check of their kind, as they are made.
struct StageTemplate {
  /// The languages there are templates for.
  enum Language: String, CaseIterable {
    /// A Swift package with a stage, a program that knows it, and a test.
    case swift
    /// One Python file; Python 3.8 and its standard library.
    case python
    /// One shell script; POSIX tools and `head -c`.
    case sh
  }

  /// A file to be written.
  struct File {
    /// The path below the folder in which the stage is made.
    let path: String
    /// The content.
    let text: String
    /// Whether it is a program (0755) or not (0644).
    let isExecutable: Bool

    init(_ path: String, _ text: String, isExecutable: Bool = false) {
      self.path = path
      self.text = text
      self.isExecutable = isExecutable
    }
  }

  /// The name in plans.
  let name: String
  /// The files to be written.
  let files: [File]

  /// Fills in the template of a language.
  ///
  /// - Parameters:
  ///   - name: the stage's name: a-z, 0-9 and hyphens, starting with a letter.
  ///   - package: where the Swift package of docintake is: a path, or an address that Git understands.
  /// - Throws: `OptionError` for a name that plans cannot use.
  init(name: String, language: Language, package: String = "../docintake")
    throws(OptionError)
  {
    guard PluginDescriptor.isName(name), name.utf8.count <= 60 else {
      throw OptionError(
        option: "name",
        "\"\(Sanitizer.clean(name, limit: 60))\" isn't a valid stage name: use a-z, 0-9 and hyphens, "
          + "and begin with a letter")
    }
    self.name = name
    switch language {
    case .python: files = [File("\(name).py", ProgramTemplate.python(name), isExecutable: true)]
    case .sh: files = [File("\(name).sh", ProgramTemplate.shell(name), isExecutable: true)]
    case .swift: files = SwiftTemplate(name: name, package: package).files
    }
  }
}
