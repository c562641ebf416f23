import IntakeSystem

/// Programs of the machine that tests may need.
package enum Interpreter {
  /// Python itself: a version manager's shim would start a shell first, which costs 0.3 s a process.
  package static let python: String = {
    let launch = ProgramLaunch(
      ["/usr/bin/env", "python3", "-c", "import sys; print(sys.executable, end='')"],
      environment: ProgramLaunch.cleanEnvironment())
    let path = (try? launch.run(outputLimit: 4096, seconds: 20))?.output ?? []
    return path.isEmpty ? "/usr/bin/python3" : String(decoding: path, as: UTF8.self)
  }()

  /// Whether a command is there and ends well: `has("python3", "-c", "import PIL")`.
  package static func has(_ words: String...) -> Bool {
    let launch = ProgramLaunch(
      ["/usr/bin/env"] + words, environment: ProgramLaunch.cleanEnvironment())
    guard let outcome = try? launch.run(outputLimit: 1 << 20, seconds: 20) else { return false }
    if case .success(.exited(0)) = outcome.end { return true }
    return false
  }
}
