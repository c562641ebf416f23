import Glibc
import IntakeCore
import IntakeSystem
import IntakeTesting
import TestSupport

/// A program in a folder of its own, as `stages new` would write it.
final class ProgramFile: Sendable {
  let path: String
  private let folder: String

  init(_ text: String) throws {
    var template = Array("/tmp/docintake-check-XXXXXX\0".utf8CString.dropLast())
    guard mkdtemp(&template) != nil else { throw SystemCallFailure("mkdtemp") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    path = folder + "/program"
    let text = text.replacing(
      "#!/usr/bin/env python3", with: "#!\(Interpreter.python)", maxReplacements: 1)
    try AppendOnlyFile.open(path, .creating).append(Array(text.utf8))
    chmod(path, 0o755)
  }

  deinit {
    unlink(path)
    rmdir(folder)
  }

  func check(patience: Double = 10, startPatience: Double = 10) async -> ConformanceReport {
    await report(on: path, patience: patience, startPatience: startPatience)
  }
}

/// The folder of the package: two above the folder of the tests.
let packageFolder = #filePath.split(separator: "/", omittingEmptySubsequences: false)
  .dropLast(3).joined(separator: "/")

/// Checks a program on a thread of its own: a check blocks, and the pool of the tests has one thread a core.
func report(on path: String, patience: Double = 10, startPatience: Double = 10) async
  -> ConformanceReport
{
  await withCheckedContinuation { next in
    _ = SystemThread.start {
      var check = ProgramCheck([path])
      (check.patience, check.startPatience) = (patience, startPatience)
      next.resume(returning: check.run())
    }
  }
}

/// What `docintake stages new` writes in a language.
func newProgram(_ name: String, _ language: String) async throws -> String {
  let folder = TemporaryFolder()
  let result = try await Program(folder: folder).run(
    "stages", "new", name, "--lang", language, "--output", folder.path + "/new")
  let path = result.output.split(separator: "\n").first.map(String.init) ?? ""
  let file = try AppendOnlyFile.open(path, .reading)
  return String(decoding: try file.read(at: 0, count: 1 << 20), as: UTF8.self)
}
