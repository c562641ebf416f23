import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A package of somebody else's that depends on this one: built and run as its README says.
@Suite(.enabled(if: SlowTests.areWanted), .timeLimit(.minutes(15)))
struct ThirdPartyTests {
  private let folder = TemporaryFolder()
  private let sample = Program.samples + "/third-party-stage"

  /// The caller's PATH, for `swift` may be anywhere.
  private var path: String { getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin" }

  private func shell(_ command: String) async throws -> Program.Result {
    var program = Program(folder: folder)
    program.environment = ["PATH": path]
    program.executable = "/bin/sh"
    return try await program.start(["-c", command]).wait(seconds: 800)
  }

  @Test func itsStagesVendorAndRecorderWorkLikeTheBuiltInOnes() async throws {
    // CI has built it beside the rest; else its own build folder is kept for the next time.
    let isBuilt = getenv("DOCINTAKE_THIRD_PARTY") != nil
    let folderOfBuild = Program.repository + (isBuilt ? "/.build" : "/.build/third-party")
    if !isBuilt {
      let built = try await shell(
        "swift test --package-path \(sample) --scratch-path \(folderOfBuild)")
      #expect(built.code == 0, "\(built.output.suffix(2000))")
    }
    let main = try Descriptor.open(sample + "/Sources/watermark-intake/main.swift")
      .wholeFile(atMost: 1 << 16)
    #expect(main.count { $0 == 0x0A } == 4)
    let command = folderOfBuild + "/debug/watermark-intake"
    let hasSQLite = access("/usr/bin/sqlite3", X_OK) == 0
    let table = hasSQLite ? " --insert after:csv-report 'sqlite-table path=outcomes.db'" : ""
    let run = try await shell(
      "cd \(folder.path) && \(command) run \(Program.samples)/customers.csv --to \(sample)/plan.json"
        + table)
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.outcomes == ["accepted": 6])
    let report = try Descriptor.open(folder.path + "/report.csv").wholeFile(atMost: 1 << 20)
    #expect(report.count { $0 == 0x0A } == 6)
    if hasSQLite {
      let query = "SELECT count(*), min(outcome), sum(http) FROM outcomes"
      let rows = try await shell("/usr/bin/sqlite3 \(folder.path)/outcomes.db '\(query)'")
      #expect(rows.output == "6|accepted|1200\n", "\(rows.errors)")
    }
    for row in run.rows {
      let stages = try #require(row["ms"]?.fields).map(\.name)
      #expect(
        stages == ["load", "decode", "watermark", "shrink", "base64", "assemble", "submit"])
    }
    let list = try await shell("\(command) stages list --json")
    let names = try #require(list.rows.first?.elements).compactMap { $0["name"]?.string }
    #expect(names.contains("watermark") && names.contains("acme"))
    let misfit = try await shell(
      "\(command) run x.csv --to sandbox --insert after:base64 watermark --print-plan")
    #expect(misfit.code == 2)
    #expect(misfit.errors.contains("does not fit here"), "\(misfit.errors)")
    try await checkVendor(command)
  }

  /// What a built-in vendor has: `--to`, help, completion, redaction, a ledger of its name, customer commands.
  private func checkVendor(_ command: String) async throws {
    let customers = "\(Program.samples)/customers.csv"
    let help = try await shell("\(command) run --help; \(command) customer get --help").output
    #expect(help.contains("dcams, noah, acme, sandbox, noah-sandbox, or a plan file"), "\(help)")
    #expect(help.contains("--id ID") && help.contains("--email E|-"), "\(help)")
    #expect(help.contains("(Noah GET customer); ask for one applicant (Acme GET applicants)"))
    let words = try await shell("\(command) completion bash -- run x --to ''").output
    for name in ["dcams", "noah", "acme", "sandbox", "noah-sandbox"] {
      #expect(words.contains(name), "\(words)")
    }

    let dry = try await shell("\(command) run \(customers) --to acme --dry-run --limit 1")
    let request = try #require(dry.rows.first?["request"], "\(dry.errors)")
    #expect(request["url"]?.string == "https://acme.example/v1/applicants")
    #expect(request["body"]?["email"]?.string == "[personal]")
    #expect(request["body"]?["reference"]?.string == "INV-48213")
    #expect(request["body"]?["front"]?.string?.hasPrefix("[jpeg ") == true)

    let open = try await shell("\(command) run \(customers) --to acme")
    #expect(open.code == 2)
    #expect(open.errors.contains(#"acme needs a file that holds {"token":"…"}"#), "\(open.errors)")
    let other = try await shell("\(command) customer get --to dcams --email ann@example.com")
    #expect(other.code == 2)
    #expect(other.errors.contains("only noah and acme answer this"), "\(other.errors)")

    let server = try await AcmeServer(folder)
    let keys = folder.write("acme-keys.json", #"{"token":"t0ken"}"#)
    let place = "--to acme --credentials \(keys) --endpoint \(server.endpoint)"
    let sent = try await shell("\(command) run \(customers) --limit 2 \(place)")
    #expect(sent.outcomes == ["accepted": 2], "\(sent.errors)")
    #expect(sent.errors.contains("/acme-loopback-"), "\(sent.errors)")
    let got = try await shell("echo ann@example.com | \(command) customer get --email - \(place)")
    #expect(got.code == 0, "\(got.errors)")
    #expect(got.rows.first?["path"]?.string == "/v1/applicants?email=ann%40example.com")
  }
}

/// Acme's side, as far as the tests need it: takes every applicant, and says which one it was asked for.
private struct AcmeServer {
  let endpoint: String
  private let process: StartedProgram

  init(_ folder: TemporaryFolder) async throws {
    var program = Program(folder: folder)
    program.executable = Interpreter.python
    process = try program.start(["-c", AcmeServer.script])
    try await process.waitFor("port ")
    let port = try #require(process.text(".out").split(whereSeparator: \.isWhitespace).last)
    endpoint = "http://127.0.0.1:\(port)/v1"
  }

  private static let script = """
    import http.server, json
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def answer(self, code, value):
            body = json.dumps(value).encode()
            code = code if self.headers["Authorization"] == "Bearer t0ken" else 401
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(201, {"id": 7})
        def do_GET(self):
            self.answer(200, {"path": self.path})
        def log_message(self, *arguments):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print("port", server.server_port, flush=True)
    server.serve_forever()
    """
}
