import IntakeCore
import IntakeSystem

#if canImport(Glibc)
  package import Glibc
#else
  package import Darwin
#endif

/// A sandbox in a process of its own, which outlives the runs that are killed; it ends with this value.
package final class SandboxProcess: Sendable {
  /// `http://127.0.0.1:PORT`.
  package let address: String
  private let running: StartedProgram

  /// Starts a sandbox that misbehaves as told.
  package init(
    _ folder: TemporaryFolder, faults: [String] = [], options: [String] = [],
    wrapper: [String] = []
  ) async throws {
    var program = Program(folder: folder)
    program.wrapper = wrapper
    running = try program.start(["sandbox"] + options + faults.flatMap { ["--fault", $0] })
    try await running.waitFor("\"type\":\"ready\"")
    let ready = running.text(".out").split(separator: "\n").first.map { Array($0.utf8) } ?? []
    guard let address = (try? JSONParser.parse(ready))?["address"]?.string else {
      throw ProgramError("the sandbox did not tell its address")
    }
    self.address = address
  }

  /// The sandbox's process.
  package var process: pid_t { running.process }

  /// The number after the last colon of the address.
  package var port: String { address.split(separator: ":").last.map(String.init) ?? "" }

  /// Where DCAMS requests go.
  package var endpoint: String { address + "/v3/stable/api/storage" }

  /// How many customers are stored, those of requests that wait for their answer included.
  package func customers() throws -> Int {
    let answer = try LocalHTTP.get(address, "/sandbox/customers")
    return try JSONParser.parse(Array(answer.utf8)).elements?.count ?? 0
  }

  /// Every request to the API so far: what the server knows to be true.
  package func requests() throws -> [ServedRequest] {
    try ServedRequest.list(LocalHTTP.get(address, "/sandbox/requests"))
  }

  /// Waits until so many customers have been stored.
  package func waitUntilStored(_ count: Int) async throws {
    for _ in 0..<4_000 {
      if try requests().count(where: \.isAccepted) >= count { return }
      try await Task.sleep(for: .milliseconds(25))
    }
    throw ProgramError("the run does not get on")
  }
}

/// One request as the server saw it.
package struct ServedRequest: Sendable {
  package let service: String
  /// The e-mail, where the request could be read.
  package let customer: String?
  /// Whether it changed what is stored.
  package let isAccepted: Bool
  package let status: Int?

  init(_ line: JSONValue) {
    service = line["service"]?.string ?? ""
    customer = line["customer"]?.string
    isAccepted = line["accepted"]?.bool ?? false
    status = line["status"]?.integer
  }

  /// The log as the sandbox gives it, a request a line.
  package static func list(_ text: String) throws -> [ServedRequest] {
    try text.split(separator: "\n").map { ServedRequest(try JSONParser.parse(Array($0.utf8))) }
  }

  /// Whether it asks only.
  package var isInquiry: Bool { service.hasPrefix("get") }
}

/// The least of HTTP: one request to this machine, the whole answer.
package enum LocalHTTP {
  /// A connection, for requests that are none.
  package static func connection(to address: String) throws -> Int32 {
    try opened(address.split(separator: ":").last.flatMap { UInt16($0) } ?? 0)
  }

  /// The body of the answer.
  package static func get(_ address: String, _ path: String) throws -> String {
    let connection = try self.connection(to: address)
    defer { close(connection) }
    let request = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    guard RawDescriptor.write(Array(request.utf8), to: connection) else {
      throw ProgramError("the server does not read")
    }
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(connection, &piece, piece.count), count > 0 {
      answer += piece[..<count]
    }
    let text = String(decoding: answer, as: UTF8.self)
    guard text.hasPrefix("HTTP/1.1 200"), let body = text.firstRange(of: "\r\n\r\n") else {
      throw ProgramError("the server answered \(text.prefix(40))")
    }
    return String(text[body.upperBound...])
  }

  private static func opened(_ port: UInt16) throws -> Int32 {
    #if canImport(Glibc)
      let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let connection = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_port = port.bigEndian
    place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else {
      close(connection)
      throw ProgramError("nobody listens on port \(port)")
    }
    return connection
  }
}
