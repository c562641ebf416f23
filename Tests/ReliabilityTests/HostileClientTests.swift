import IntakeCore
import IntakeSystem
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The standalone sandbox against clients that mean ill: it answers or closes, lives on, and stays small.
@Suite(.timeLimit(.minutes(20)))
struct HostileClientTests {
  private let folder = TemporaryFolder()
  private static let request = Array(
    (#"POST /v3/stable/api/storage HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"#
      + #"Content-Length: 77\r\n\r\n{"user":"sandbox","pass":"sandbox","service":"getStatus","target":{"email":"a"}}"#)
      .replacing("\\r\\n", with: "\r\n").utf8)

  /// Sends bytes and reads until the server closes or is silent for long; the answer's first line.
  private func exchange(_ sandbox: SandboxProcess, _ bytes: [UInt8]) throws -> String {
    let connection = try LocalHTTP.connection(to: sandbox.address)
    defer { close(connection) }
    _ = RawDescriptor.write(bytes, to: connection)
    shutdown(connection, Int32(SHUT_WR))
    var piece = [UInt8](repeating: 0, count: 4096)
    let count = max(0, read(connection, &piece, piece.count))
    return String(decoding: piece[..<count].prefix { $0 != 0x0D }, as: UTF8.self)
  }

  /// The most memory that the sandbox has had, in KB.
  private func peak(_ sandbox: SandboxProcess) throws -> Int {
    let file = open("/proc/\(sandbox.process)/status", O_RDONLY)
    defer { close(file) }
    var status = [UInt8](repeating: 0, count: 16_384)
    let count = max(0, read(file, &status, status.count))
    let line = String(decoding: status[..<count], as: UTF8.self).split(separator: "\n").first {
      $0.hasPrefix("VmHWM:")
    }
    return line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0
  }

  @Test(.enabled(if: access("/proc/self/status", R_OK) == 0, "memory is told by /proc"))
  func nothingThatComesHarmsOrFillsTheSandbox() async throws {
    let sandbox = try await SandboxProcess(folder)
    let honest = HostileClientTests.request
    #expect(try exchange(sandbox, honest).hasPrefix("HTTP/1.1 400"))
    let before = try peak(sandbox)

    // 300 mutations of an honest request: bytes flipped, cut off, put in, repeated.
    var random = SeededRandom.announced()
    var answered = 0
    for _ in 0..<300 {
      var bytes = honest
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.insert(contentsOf: bytes[place...].prefix(40), at: place)
        case 2 where bytes.count > 40: bytes.removeSubrange(place..<min(place + 20, bytes.count))
        default: bytes.insert(0x0D, at: place)
        }
      }
      let line = try exchange(sandbox, bytes)
      if !line.isEmpty {
        answered += 1
        #expect(line.hasPrefix("HTTP/1.1 ") || line.hasPrefix("HTTP/1.0 "), "\(line)")
      }
    }
    #expect(answered > 100, "only \(answered) of 300 were answered at all")

    // 100 connections that stay half open, while others are served.
    var halfOpen: [Int32] = []
    for number in 0..<100 {
      let connection = try LocalHTTP.connection(to: sandbox.address)
      _ = RawDescriptor.write(Array(honest.prefix(number * honest.count / 100)), to: connection)
      halfOpen.append(connection)
    }
    #expect(try exchange(sandbox, honest).hasPrefix("HTTP/1.1 "))
    for connection in halfOpen { close(connection) }

    // 10,000 header fields, 20 times; a gigabyte announced, 20 times; a head without an end.
    let fields = String(repeating: "X-Field: value\r\n", count: 10_000)
    let many = Array("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\(fields)\r\n".utf8)
    let huge = Array(
      "POST /v3/stable/api/storage HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n\r\n"
        .utf8)
    for _ in 0..<20 {
      let line = try exchange(sandbox, many)
      #expect(line.isEmpty || line.hasPrefix("HTTP/1.1 431"), "\(line)")
      #expect(
        try exchange(sandbox, huge + [UInt8](repeating: 0x20, count: 100_000)).hasPrefix(
          "HTTP/1.1 413"))
    }
    let endless = Array("GET /".utf8) + [UInt8](repeating: 0x61, count: 20_000_000)
    _ = try exchange(sandbox, endless)

    #expect(try exchange(sandbox, honest).hasPrefix("HTTP/1.1 400"), "it still serves")
    let after = try peak(sandbox)
    #expect(after - before < 40_000, "\(before) KB before, \(after) KB after")
  }
}
