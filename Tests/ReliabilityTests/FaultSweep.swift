import IntakeCore
import TestSupport
import Testing

/// Every fault that the sandbox can inject, through the built command: class, code, requests, exit code, time.
struct FaultSweep {
  private let folder = TemporaryFolder()

  /// What a fault makes of six rows.
  struct Case: Sendable, CustomTestStringConvertible {
    let fault: String
    /// How the rows that the fault hits end, as `outcome code`; nil when all are accepted.
    let ending: String?
    let code: Int32
    /// Requests at the server, nil where it depends on who is in flight.
    let requests: Int?

    init(_ fault: String, _ ending: String?, code: Int32, requests: Int? = 6) {
      (self.fault, self.ending, self.code, self.requests) = (fault, ending, code, requests)
    }

    var testDescription: String { fault }

    var isAboutReuse: Bool {
      ["keepalive-close", "connection-close", "close-after-answer", "idle-close"].contains {
        fault.hasPrefix($0)
      }
    }
  }

  /// Nothing reached the vendor, so it is tried again; or the server says who may come again when.
  static let repeated = [
    Case("close-before", "failed connection_failed", code: 4, requests: 4),
    Case("reset-before", "failed connection_failed", code: 4, requests: 4),
    Case("417", nil, code: 0, requests: 7), Case("never-100", nil, code: 0),
    Case("429:retry-after=1@1-2", nil, code: 0, requests: 8),
    Case("429@1-2", nil, code: 0, requests: 8),
    Case("429:retry-after=soon@1", nil, code: 0, requests: 7),
    Case("429:retry-after=-5@1", nil, code: 0, requests: 7),
    Case("429:retry-after=date+1@1", nil, code: 0, requests: 7),
    Case("429:retry-after=1000000000@1", "failed throttled", code: 4, requests: 1),
    Case("503:retry-after=1@1", nil, code: 0, requests: 7),
  ]

  /// The server says no to one row, or to everybody.
  static let refused =
    [400, 409, 415, 422].map { Case("\($0)@2", "rejected refused_by_target", code: 3) } + [
      Case("413@2", "rejected body_too_large", code: 3),
      Case("413-early", "rejected body_too_large", code: 3),
      Case("early:status=413:abrupt", "rejected body_too_large", code: 3),
      Case("400", "rejected refused_by_target", code: 4, requests: nil),
      Case("result-error@2", "rejected refused_by_target", code: 3),
      Case("result-error", "rejected refused_by_target", code: 4, requests: nil),
      Case("echo-secret@2", "rejected refused_by_target", code: 3),
      Case("escapes@2", "rejected refused_by_target", code: 3),
      Case("long-message@2", "rejected refused_by_target", code: 3),
      Case("404@2", "rejected customer_not_found", code: 3),
      Case("401", "failed credentials_refused", code: 4, requests: 1),
      Case("401:www-authenticate", "failed credentials_refused", code: 4, requests: 1),
      Case("403", "failed credentials_refused", code: 4, requests: 1),
      Case("404:html", "failed wrong_endpoint", code: 4, requests: 1),
      Case("405:html", "failed wrong_endpoint", code: 4, requests: 1),
      Case("410:html", "failed wrong_endpoint", code: 4, requests: 1),
      Case("410@2", "rejected refused_by_target", code: 3),
    ]
    + [301, 302, 303, 307, 308].map {
      Case("redirect:status=\($0)", "failed redirected", code: 4, requests: 1)
    }

  /// Nobody can tell from here what became of the row.
  static let doubtful =
    [408, 500, 502, 503, 504].map { Case("\($0)@2", "in_doubt target_failed", code: 5) }
    + [
      "html", "empty", "truncated-json", "wrong-types", "null-fields", "array", "duplicate-keys",
      "deep-json", "lone-surrogate", "bad-utf8", "bom", "utf16", "204",
    ].map { Case("\($0)@2", "in_doubt unrecognized_answer", code: 5) }
    + [
      "drop-after-accept", "close-after-accept", "reset-after-read", "close-after-read",
      "cut-header", "cut-body", "bad-chunk", "two-lengths", "obs-fold", "nul-header",
      "big-header", "garbage", "http09", "huge", "gzip-bomb", "hang", "hang:accepted",
      "drip:ms=300",
    ].map { Case("\($0)@2", "in_doubt no_answer", code: 5) }
    + [
      Case("keepalive-close@use=2", "in_doubt no_answer", code: 5, requests: nil),
      Case("100-close", "in_doubt no_answer", code: 4, requests: nil),
      Case("stall-read", "in_doubt no_answer", code: 4, requests: nil),
      Case("500", "in_doubt target_failed", code: 4, requests: nil),
      Case("close-after-read", "in_doubt no_answer", code: 4, requests: nil),
    ]

  /// Odd, and accepted all the same.
  static let harmless = [
    "latency=100", "slow=200", "throttle:rate=4096", "201@2", "202@2", "status-lowercase@2",
    "status-unknown@2", "status-elsewhere@2", "extra-fields@2", "huge-number@2", "set-cookie@2",
    "chunked@2", "chunked", "close-after-answer", "idle-close=1",
    "connection-close", "100-flood:count=5",
  ].map { Case($0, nil, code: 0) }

  static let all = repeated + refused + doubtful + harmless

  func check(_ expected: Case, faults: [String]) async throws {
    let batch = CustomerBatch(rows: 6, in: folder)
    let sandbox = try await SandboxProcess(folder, faults: faults)
    let command = batch.arguments(
      sandbox, "--concurrency", "2", "--set", "submit.timeout=3", "--set", "submit.expect=always",
      "--ambiguous", "hold")
    let result = try await Program(folder: folder).start(command).wait()
    let requests = try sandbox.requests()
    #expect(try Invariants(batch).violations(requests, [result]) == [])
    #expect(result.code == expected.code, "\(result.outcomes) \(result.errors)")
    if let count = expected.requests { #expect(requests.count == count) }
    let bad = result.rows.filter { $0["outcome"]?.string != "accepted" }
    #expect(bad.isEmpty == (expected.ending == nil), "\(result.output)")
    let endings = bad.filter { $0["code"]?.string != "stopped" }.map {
      "\($0["outcome"]?.string ?? "") \($0["code"]?.string ?? "")"
    }
    #expect(Set(endings) == Set([expected.ending].compactMap { $0 }), "\(result.output)")
    expectGuidance(result)
  }

  /// Messages say what to do and show neither a stack, nor a secret, nor what a server wants a terminal to do.
  private func expectGuidance(_ result: Program.Result) {
    for row in result.rows where row["outcome"]?.string != "accepted" {
      let hint = row["hint"]?.string ?? ""
      #expect(!hint.isEmpty)
      // Rows that nobody tried are counted on standard error, not listed.
      if row["code"]?.string != "stopped" { #expect(result.errors.contains(hint)) }
    }
    // Random names say anything now and then: `0x` is in a row's key or in the folder's name in three runs of a hundred.
    let told = (result.output.replacing(/"key":"[^"]*"/, with: "") + result.errors)
      .replacing(folder.path, with: "")
    for text in ["Fatal error", "Stack", "0x", "\u{1B}", "\u{7}"] {
      #expect(!told.contains(text), "\(told)")
    }
  }
}
