import IntakeCore
import IntakeSystem

@testable import LoadStage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A folder of its own for one test, removed with it.
final class Workshop: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/load-test-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    guard let made else { throw FileFailure(code: errno) }
    path = made
  }

  deinit { Workshop.remove(path) }

  func write(_ name: String, _ content: some Collection<UInt8>) throws {
    guard let file = fopen("\(path)/\(name)", "w") else { throw FileFailure(code: errno) }
    defer { fclose(file) }
    let bytes = Array(content)
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw FileFailure(code: errno) }
  }

  func write(_ name: String, _ content: String) throws { try write(name, content.utf8) }

  /// The rows of a manifest with the given options, and the notices.
  func load(_ name: String, _ options: [String: OptionValue] = [:]) async throws -> Loaded {
    var all = options
    all["manifest"] = .text("\(path)/\(name)")
    let source = try await Load(given: all).rows()
    var rows: [LoadedRow] = []
    while let row = try await source.next() { rows.append(row) }
    return Loaded(rows: rows, notices: source.notices, warnings: source.warnings)
  }

  /// Writes a manifest and loads it.
  func load(
    text: some Collection<UInt8>, as name: String = "batch.csv",
    _ options: [String: OptionValue] = [:]
  ) async throws -> Loaded {
    try write(name, text)
    return try await load(name, options)
  }

  /// Loads a text of its own.
  static func load(_ text: String, _ options: [String: OptionValue] = [:]) async throws -> Loaded {
    try await Workshop().load(text: Array(text.utf8), options)
  }

  private static func remove(_ path: String) {
    if let stream = opendir(path) {
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        let inner = "\(path)/\(name)"
        if name != ".", name != "..", unlink(inner) != 0 { remove(inner) }
      }
      closedir(stream)
    }
    rmdir(path)
  }
}

/// What loading a manifest gave.
struct Loaded {
  let rows: [LoadedRow]
  let notices: [String]
  let warnings: [String]

  var records: [IntakeRecord] {
    rows.compactMap { if case .record(let record) = $0 { record } else { nil } }
  }

  var lines: [Int] { rows.map(\.row.line) }

  /// The failures of each bad row.
  var failures: [[StageFailure]] {
    rows.compactMap { if case .bad(_, let failures) = $0 { failures } else { nil } }
  }

  /// Every failure's code with its line: `3 malformed_row`.
  var codes: [String] {
    rows.flatMap { row in
      if case .bad(let record, let failures) = row {
        failures.map { "\(record.row.line) \($0.code)" }
      } else {
        [String]()
      }
    }
  }

  /// A column's cells of all good rows.
  func cells(_ column: Column) -> [String?] { records.map { $0.fields[column]?.exposed } }
}
