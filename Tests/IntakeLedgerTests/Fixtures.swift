import IntakeCore
import IntakeLedger
import IntakeSystem

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A folder for one test, gone when the test lets go of it.
final class TemporaryFolder: Sendable {
  let path: String

  init() {
    var template = Array("/tmp/ledger-test-XXXXXX".utf8CString)
    path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
  }

  deinit {
    for name in names() { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  var ledger: String { path + "/batch.ledger" }

  func names() -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        })
    }
    return names.filter { $0 != "." && $0 != ".." }.sorted()
  }
}

/// Reading and writing whole files, without any of the care that the program itself takes.
enum Bytes {
  static func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
      bytes += chunk[..<count]
    }
    return bytes
  }

  static func write(_ bytes: [UInt8], to path: String) {
    guard let file = fopen(path, "w") else { return }
    defer { fclose(file) }
    fwrite(bytes, 1, bytes.count, file)
    chmod(path, 0o600)
  }

  static func text(_ path: String) -> String { String(decoding: read(path), as: UTF8.self) }
}

struct TestTarget: Target {
  let name = "dcams"
  func request(
    for submission: Submission, endpoint: String, credentials: Credentials?, at time: UnixTime
  ) throws -> HTTPRequest { HTTPRequest(method: "POST", url: endpoint, headers: [], body: []) }
  func receipt(for response: HTTPResponse, to submission: Submission) -> Receipt {
    Receipt(.accepted)
  }
}

extension Submission {
  static func test(_ body: [BodySegment], customer: String = "ada.l0velace@example.org")
    -> Submission
  {
    Submission(
      method: "POST", path: "", headers: [], body: body, operation: "createOrUpdateCustomer",
      repeatSafety: .converges, customer: Personal(customer), bodyLimit: 1_000_000,
      target: TestTarget())
  }

  static func test(_ text: String = "{}") -> Submission { test([.bytes(Array(text.utf8))]) }
}

extension RowName {
  /// A row that goes by its id, or by `kind:` and what identifies it.
  static func test(_ row: String) -> RowName {
    let bytes = row.contains(":") ? Personal(Array(row.utf8)) : RowIdentity.of(id: row)
    return RowName(bytes, inFormat1: bytes)
  }
}

extension Ledger {
  static func open(
    _ path: String, operation: String = "createOrUpdateCustomer", shard: String? = nil
  ) async throws -> Ledger {
    try await open(LedgerSettings(path: path, target: "dcams", operation: operation, shard: shard))
  }

  func known(_ row: String) throws -> any KnownRow { try self.row(for: .test(row)) }

  func key(_ row: String) -> RowKey { (try? known(row))?.key ?? RowKey("no key") }

  /// Sends a row in the way that the runner does: intent, outcome.
  func send(_ row: String, _ verdict: Verdict = .accepted, _ text: String = "{}") async throws {
    let key = key(row)
    try await intend(.test(text), for: key, attempt: 1)
    try await record(.test(key, verdict, attempts: 1))
  }
}

extension Outcome {
  static func test(_ key: RowKey, _ verdict: Verdict, attempts: Int = 0) -> Outcome {
    var outcome = Outcome(row: RowReference(line: 2), key: key, verdict: verdict)
    outcome.attempts = attempts
    if verdict != .accepted {
      outcome.stage = "submit"
      outcome.failure = StageFailure(.refusedByTarget, "no")
    }
    if attempts > 0 {
      outcome.receipt = Receipt(.accepted, http: 200, status: "PASS", type: "createCustomer")
    }
    return outcome
  }
}
