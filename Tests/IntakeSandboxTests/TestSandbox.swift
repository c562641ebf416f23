import IntakeCore
import IntakeSandbox
import Testing

/// A sandbox that runs while a test does, and the requests the tests send it.
final class TestSandbox {
  let sandbox: Sandbox
  let client: WireClient

  init(
    faults: [String] = [], switches: [String] = [],
    configure: (inout SandboxConfiguration) -> Void = { _ in }
  ) throws {
    var configuration = SandboxConfiguration()
    for text in faults { configuration.faults.append(try Fault(text)) }
    for text in switches { try configuration.switches.set(text) }
    configure(&configuration)
    sandbox = try Sandbox(configuration)
    try sandbox.start()
    client = try WireClient(sandbox.address)
  }

  deinit { sandbox.stop() }

  /// A new connection.
  func connect(timeout: Int = 5000) throws -> WireClient {
    try WireClient(sandbox.address, timeout: timeout)
  }

  /// Posts a body to DCAMS on the first connection.
  func post(_ body: JSONOutput) throws -> HTTPResponse {
    try client.exchange("POST", "/v3/stable/api/storage", body: Array(body.text.utf8))
  }

  /// Gets a page or control address on the first connection.
  func get(_ target: String) throws -> HTTPResponse { try client.exchange("GET", target) }

  /// What the request log says, oldest first.
  func requests() throws -> [JSONValue] {
    try get("/sandbox/requests").body.split(separator: 0x0A).map { try JSONParser.parse(Array($0)) }
  }

  /// The customers as scripts see them.
  func customers() throws -> [JSONValue] { try get("/sandbox/customers").json.elements ?? [] }
}

extension HTTPResponse {
  /// The body as JSON.
  var json: JSONValue { get throws { try JSONParser.parse(body) } }

  /// The body as text.
  var text: String { String(decoding: body, as: UTF8.self) }
}

/// The bodies that DCAMS is sent.
enum Request {
  /// The smallest PNG header that tells a size: 3 by 2 pixels; `extra` makes images differ.
  static func png(_ extra: UInt8 = 0) -> [UInt8] {
    [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8)
      + [0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0, extra]
  }

  /// A body with the right credentials.
  static func body(
    _ service: String, _ target: [(String, JSONOutput)], reference: JSONOutput? = nil,
    pass: String = "sandbox"
  ) -> JSONOutput {
    var fields: [(String, JSONOutput)] = [
      ("user", .string("sandbox")), ("pass", .string(pass)), ("service", .string(service)),
    ]
    if let reference { fields.append(("reference", reference)) }
    return .object(fields + [("target", .object(target))])
  }

  /// createOrUpdateCustomer with a front, a back where given, and further fields.
  static func create(
    _ email: String, _ fields: [(String, String)] = [], front: [UInt8]? = png(),
    back: [UInt8]? = nil, reference: JSONOutput? = nil
  ) -> JSONOutput {
    var documents: [(String, JSONOutput)] = []
    if let front { documents.append(("front", .string(base64(front)))) }
    if let back { documents.append(("back", .string(base64(back)))) }
    let target =
      [("email", JSONOutput.string(email))] + fields.map { ($0.0, JSONOutput.string($0.1)) }
      + [("documents", .object(documents))]
    return body("createOrUpdateCustomer", target, reference: reference)
  }

  /// Base64 by the book, bit by bit, so that the sandbox's own coder is checked against another.
  static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    let bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
    var text = ""
    for start in stride(from: 0, to: bits.count, by: 6) {
      let group = bits[start..<min(start + 6, bits.count)]
      let value = group.reduce(0) { $0 << 1 | Int($1) } << (6 - group.count)
      text.append(alphabet[value])
    }
    return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
  }
}
