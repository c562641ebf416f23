import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A program about to start: in its own session, with default signals and only three descriptors.
public struct ProgramLaunch: Sendable {
  /// The path of the program and its arguments.
  public let words: [String]
  /// `NAME=value` for every variable that the program sees.
  public let environment: [String]

  /// Describes a program; the first word is its path.
  public init(_ words: [String], environment: [String]) {
    self.words = words
    self.environment = environment
  }

  /// Starts it and returns its process number, nil (with `errno`) when it cannot be started.
  ///
  /// - Parameter input: standard input; nil for an empty one.
  public func start(input: Int32? = nil, output: Int32, errors: Int32) -> Int32? {
    guard let program = words.first else { return nil }
    var arguments = words.map { strdup($0) } + [nil]
    var variables = environment.map { strdup($0) } + [nil]
    defer { for text in arguments + variables { free(text) } }
    let process = csystem_spawn(program, &arguments, &variables, input ?? -1, output, errors)
    return process > 0 ? process : nil
  }
}
