import IntakeCore
import IntakeImaging
import IntakeTransport
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the receiving side gets to see, asked from a sandbox that runs on its own.
@Suite(.timeLimit(.minutes(20)))
struct ArrivalTests {
  private let folder = TemporaryFolder()
  private let sandbox: StartedProgram
  private let address: String
  private let credentials: String

  init() throws {
    let program = Program(folder: folder)
    sandbox = try program.start(["sandbox"])
    try sandbox.waitFor("\"address\":")
    let ready = try JSONParser.parse(Array(sandbox.text(".out").utf8))
    address = try #require(ready["address"]?.string)
    credentials = folder.write("credentials.json", #"{"user":"sandbox","pass":"sandbox"}"#)
  }

  private func run(_ arguments: String...) throws -> Program.Result {
    let target = [
      "--to", "dcams", "--endpoint", address + "/v3/stable/api/storage", "--credentials",
      credentials,
    ]
    return try Program(folder: folder).start(["run"] + arguments + target).wait()
  }

  private func get(_ path: String) throws -> [UInt8] {
    let request = HTTPRequest(method: "GET", url: address + path, headers: [], body: [])
    guard case .answered(let response, _) = HTTPClient().send(request, answerLimit: 64 << 20) else {
      throw ProgramError("the sandbox did not answer \(path)")
    }
    return response.body
  }

  @Test func imagesAreUprightWithinEdgeAndBudgetAndWithoutMetadata() throws {
    defer { sandbox.signal(SIGTERM) }
    let result = try run(Program.samples + "/customers.csv")
    #expect(result.code == 0, "\(result.errors)")
    let customers = try #require(JSONParser.parse(try get("/sandbox/customers")).elements)
    #expect(customers.count == 6)
    for customer in customers {
      let number = try #require(customer["number"]?.integer)
      for side in try #require(customer["images"]?.fields).map(\.name) {
        let bytes = try get("/admin/images/\(number)/\(side)")
        let header = try ImageHeader(reading: bytes, limits: ImageLimits())
        #expect(bytes.count <= 500_000)
        #expect(header.size.longerSide <= 2048)
        #expect(header.orientation == .upright)
        for mark in ["Specimen", "GPS", "Exif", "Samplephone"] {
          #expect(!bytes.contains(mark.utf8), "\(mark) is still in image \(number) \(side)")
        }
      }
    }
  }

  @Test func theRequestIsWhatTheVendorDocuments() throws {
    defer { sandbox.signal(SIGTERM) }
    _ = try run(Program.samples + "/customers.csv")
    let customers = try #require(JSONParser.parse(try get("/sandbox/customers")).elements)
    for customer in customers {
      let fields = try #require(customer["fields"]?.fields)
      let documented = ["email", "fn", "ln", "addr", "city", "state", "zip", "dob", "phone"]
      #expect(fields.allSatisfy { documented.contains($0.name) })
      #expect(fields.allSatisfy { $0.value.string?.isEmpty == false })
      #expect(customer["fields"]?["dob"]?.string?.utf8.count == 8)
      #expect(customer["reference"]?.string?.isEmpty == false)
    }
  }

  @Test func statusesAreSetInABatch() throws {
    defer { sandbox.signal(SIGTERM) }
    _ = try run(Program.samples + "/customers.csv")
    let result = try run(Program.samples + "/status.csv", "--operation", "updateStatus")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.outcomes == ["accepted": 3])
    let customers = try #require(JSONParser.parse(try get("/sandbox/customers")).elements)
    let statuses = Set(customers.compactMap { $0["status"]?.string })
    #expect(statuses == ["PASS", "PENDING", "FAIL"])
  }
}

extension [UInt8] {
  /// Whether the bytes of a text stand somewhere inside.
  fileprivate func contains(_ text: String.UTF8View) -> Bool { firstRange(of: text) != nil }
}
