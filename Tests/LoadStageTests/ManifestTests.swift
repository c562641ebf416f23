import IntakeCore
import Testing

@testable import LoadStage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

struct ManifestTests {
  @Test(
    arguments: [
      ([0xFF, 0xFE, 0x00, 0x00, 0x69], "UTF-32"),
      ([0x69, 0x00, 0x00, 0x00], "text that isn't UTF-8"),
      (
        [0x50, 0x4B, 0x03, 0x04] + [UInt8](repeating: 1, count: 26)
          + Array("[Content_Types].xml".utf8),
        "Excel workbook"
      ),
      (
        [0x50, 0x4B, 0x03, 0x04] + [UInt8](repeating: 1, count: 26)
          + Array("mimetypeapplication/vnd.oasis.opendocument.spreadsheetPK".utf8),
        "another spreadsheet"
      ),
      (
        [0x50, 0x4B, 0x03, 0x04] + [UInt8](repeating: 1, count: 26) + Array("a.jpg".utf8),
        "zip archive"
      ),
      ([0xD0, 0xCF, 0x11, 0xE0, 0xA1], "Excel workbook"), (Array("%PDF-1.7".utf8), "PDF"),
      ([0xFF, 0xD8, 0xFF, 0xE0], "JPEG"), ([0x89, 0x50, 0x4E, 0x47], "PNG"),
      (Array("<!DOCTYPE html>".utf8), "web page"),
      (Array("{\\rtf1".utf8), "rich text"),
    ] as [([UInt8], String)])
  func otherKindsOfFilesAreRecognisedByTheirFirstBytes(bytes: [UInt8], name: String) async throws {
    let error = await #expect(throws: StageFailure.self) {
      _ = try await Workshop().load(text: bytes)
    }
    let failure = try #require(error)
    #expect(failure.detail.contains(name), "\(failure.detail)")
    #expect(failure.outcome == .fatal && failure.code == .unusableManifest)
  }

  @Test func theContentDecidesNotTheName() async throws {
    let workshop = Workshop()
    let json = try await workshop.load(text: Array("{\"id\":\"1\"}\n".utf8), as: "a.csv")
    #expect(json.cells(.id) == ["1"])
    #expect(json.notices.contains { $0.contains("read as JSON Lines") })
    let csv = try await workshop.load(text: Array("id\n1\n".utf8), as: "a.jsonl")
    #expect(csv.cells(.id) == ["1"])
  }

  @Test func theFormatOptionOverrulesTheContent() async throws {
    #expect(try await Workshop.load("", ["format": .text("jsonl")]).rows.isEmpty)
    let loaded = try await Workshop.load("id\n1\n", ["format": .text("jsonl")])
    #expect(loaded.codes.first == "1 malformed_row")
  }

  @Test func aFolderStandsForTheOneManifestInIt() async throws {
    let workshop = Workshop()
    await #expect(throws: StageFailure.self) { _ = try await workshop.load(".") }
    workshop.write("manifest.csv", "id\n1\n")
    #expect(try await workshop.load(".").cells(.id) == ["1"])
    workshop.write("manifest.jsonl", "{\"id\":\"1\"}\n")
    await #expect(throws: StageFailure.self) { _ = try await workshop.load("") }
  }

  @Test func aMissingManifestIsFatal() async throws {
    let workshop = Workshop()
    let error = await #expect(throws: StageFailure.self) { _ = try await workshop.load("none.csv") }
    #expect(error?.code == .fileNotFound && error?.outcome == .fatal)
  }

  @Test func aMissingImagesRootIsFatal() async throws {
    let error = await #expect(throws: StageFailure.self) {
      _ = try await Workshop.load("id\n1\n", ["images-root": .text("/nonexistent/scans")])
    }
    #expect(error?.outcome == .fatal)
  }

  @Test func noManifestIsFatal() async throws {
    let error = await #expect(throws: StageFailure.self) {
      _ = try await Load().rows()
    }
    #expect(error?.hint.contains("standard input") == true)
  }

  @Test(.timeLimit(.minutes(20)))
  func aPipeIsReadAsItComesInPieceByPiece() async throws {
    let workshop = Workshop()
    let path = workshop.path + "/pipe"
    #expect(mkfifo(path, 0o600) == 0)
    // Cut inside the byte order mark, a CRLF, a doubled quote and a character.
    let pieces = [
      "\\357\\273", "\\277i", "d,fn\\r", "\\n1,\"A\"", "\"da\"\\r\\n2", ",Zo\\303", "\\253\\r\\n",
    ]
    let commands = pieces.map { "printf '\($0)' >&3; sleep 0.02" }.joined(separator: "; ")
    let writer = popen("exec 3>\(path); \(commands)", "r")
    let loaded = try await workshop.load("pipe")
    #expect(pclose(writer) == 0)
    #expect(loaded.cells(.fn) == ["A\"da", "Zoë"])
    #expect(loaded.lines == [2, 3])
  }

  @Test(.timeLimit(.minutes(20)))
  func aSilentPipeDoesNotHoldACancelledTask() async throws {
    let workshop = Workshop()
    let path = workshop.path + "/pipe"
    #expect(mkfifo(path, 0o600) == 0)
    // Open for both ways: it never ends and never gives a byte.
    let held = open(path, O_RDWR)
    defer { close(held) }
    let reading = Task { try await workshop.load("pipe") }
    try await Task.sleep(for: .milliseconds(100))
    reading.cancel()
    await #expect(throws: CancellationError.self) { _ = try await reading.value }
  }
}
