import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The Swift in README and articles, and what `stages new` writes, is what the compiler takes.
@Suite(.timeLimit(.minutes(20)))
struct ExampleTests {
  private let folder = TemporaryFolder()

  private static var path: String { getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin" }

  private static let hasCompiler = path.split(separator: ":").contains {
    access("\($0)/swiftc", X_OK) == 0
  }

  /// The modules that were built with the command, and those in C that they are made of.
  private var modules: [String] {
    let build = Program.path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    let own = ["CImaging", "CSystem"].flatMap {
      ["-Xcc", "-fmodule-map-file=\(build)/\($0).build/module.modulemap"]
    }
    return ["-I", build + "/Modules", "-I", Program.repository + "/Sources"] + own
  }

  private func compile(_ arguments: [String]) async throws -> Program.Result {
    var program = Program(folder: folder)
    program.executable = "/usr/bin/env"
    program.environment = ["PATH": Self.path]
    return try await program.start(["swiftc", "-swift-version", "6"] + modules + arguments)
      .wait()
  }

  /// The blocks of a language in a page.
  private func blocks(_ language: String, _ page: String) throws -> [String] {
    let bytes = try Descriptor.open(Program.repository + "/" + page).wholeFile(atMost: 1 << 20)
    let parts = String(decoding: bytes, as: UTF8.self).split(
      separator: "```", omittingEmptySubsequences: false)
    return stride(from: 1, to: parts.count, by: 2).map { String(parts[$0]) }
      .filter { $0.hasPrefix(language + "\n") }.map { String($0.dropFirst(language.count + 1)) }
  }

  @Test(.enabled(if: hasCompiler, "swiftc is not in PATH"))
  func theStageOfTheReadmeCompiles() async throws {
    let block = try #require(try blocks("swift", "README.md").first)
    let file = folder.write("Sharp.swift", block)
    let result = try await compile(["-typecheck", file])
    #expect(result.code == 0, "\(result.errors)")
  }

  @Test(.enabled(if: hasCompiler, "swiftc is not in PATH"))
  func thePixelsOfTheArticleCompile() async throws {
    let page = "Sources/IntakeCore/IntakeCore.docc/AddingAStage.md"
    let block = try #require(try blocks("swift", page).first { $0.hasPrefix("func run") })
    let head = "import IntakeCore\nstruct Brighter: ImageStage {\n"
    let rest = """
        init(options: NoOptions) {}
        static let name = "b"
        static let summary = "b"
      }
      """
    let result = try await compile([
      "-typecheck", folder.write("Brighter.swift", head + block + rest),
    ])
    #expect(result.code == 0, "\(result.errors)")
  }

  @Test(.enabled(if: hasCompiler, "swiftc is not in PATH"))
  func aNewSwiftStageCompilesAsCreated() async throws {
    let made = try await Program(folder: folder).run(
      "stages", "new", "deskew-page", "--lang", "swift", "--output", folder.path + "/new")
    #expect(made.code == 0, "\(made.errors)")
    let files = made.output.split(separator: "\n").map(String.init)
    func file(_ name: String) throws -> String { try #require(files.first { $0.hasSuffix(name) }) }
    let module = [
      "-emit-module", "-parse-as-library", "-module-name", "DeskewPageStage",
      "-enable-upcoming-feature", "InternalImportsByDefault", "-emit-module-path",
      folder.path + "/DeskewPageStage.swiftmodule",
    ]
    for arguments in [
      module + [try file("/DeskewPage.swift")],
      ["-typecheck", "-I", folder.path, try file("/main.swift")],
      ["-typecheck", "-parse-as-library", "-I", folder.path, try file("/DeskewPageTests.swift")],
    ] {
      let result = try await compile(arguments)
      #expect(result.code == 0, "\(result.errors)")
    }
  }
}
