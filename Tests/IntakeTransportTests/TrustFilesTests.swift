import IntakeCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The operator's files of authorities, certificate and key, through the built command.
@Suite(.timeLimit(.minutes(20)), .enabled(if: Certificate.isAvailable))
struct TrustFilesTests {
  private let folder = TestSupport.TemporaryFolder()

  private func run(_ arguments: [String], _ environment: [String: String] = [:]) async throws
    -> Program.Result
  {
    var program = Program(folder: folder)
    program.environment = environment
    return try await program.start(arguments).wait()
  }

  @Test(arguments: [true, false])
  func anOwnAuthorityIsTrustedByOptionAndByVariable(byOption: Bool) async throws {
    let near = try await DistantSandbox(folder)
    let batch = CustomerBatch(rows: 2, in: folder)
    let arguments = batch.arguments(endpoint: near.nearEndpoint)
    let result =
      byOption
      ? try await run(arguments + ["--ca-file", near.certificate], ["SSL_CERT_FILE": "/nowhere"])
      : try await run(arguments, ["SSL_CERT_FILE": near.certificate])
    #expect(result.code == 0, "\(result.errors)")
    #expect(try Invariants(batch).violations(near.sandbox.requests(), [result]) == [])
  }

  @Test func withoutItTheHintNamesTheOption() async throws {
    let near = try await DistantSandbox(folder)
    let batch = CustomerBatch(rows: 2, in: folder)
    let result = try await run(batch.arguments(endpoint: near.nearEndpoint))
    #expect(result.code == 4, "\(result.errors)")
    #expect(result.errors.contains("--ca-file FILE"), "\(result.errors)")
    #expect(try near.sandbox.requests().isEmpty)
  }

  /// The manifest is not there either, and nobody gets as far as noticing.
  @Test(arguments: ["none.pem", "empty.pem", "text.pem", "broken.pem", "key.pem", "."])
  func aFileWithoutAuthoritiesIsRefusedBeforeAnythingIsRead(_ name: String) async throws {
    let (certificate, key) = try Certificate.make("a", for: "localhost", in: folder)
    folder.write("empty.pem", "")
    folder.write("text.pem", "-----BEGIN CERTIFICATE-----\nno base64!\n-----END CERTIFICATE-----\n")
    folder.write("broken.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n")
    #expect(rename(key, folder.path + "/key.pem") == 0 && unlink(certificate) == 0)
    let keys = folder.write("keys.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    let arguments = [
      "run", folder.path + "/no-manifest.csv", "--to", "dcams", "--credentials", keys,
      "--endpoint", "https://localhost:1/",
    ]
    let path = folder.path + "/" + name
    let byOption = try await run(arguments + ["--ca-file", path])
    let byVariable = try await run(arguments, ["SSL_CERT_FILE": path])
    for (result, source) in [(byOption, "--ca-file"), (byVariable, "SSL_CERT_FILE")] {
      #expect(result.code == 2, "\(result.errors)")
      #expect(result.errors.contains(source), "\(result.errors)")
      #expect(!result.errors.contains("no-manifest"), "\(result.errors)")
    }
  }

  @Test func aTargetThatKnowsItsClientsLetsUsInWithTheCertificate() async throws {
    let (certificate, key) = try Certificate.make("client", for: "client", in: folder)
    let near = try await DistantSandbox(folder, clientAuthority: certificate)
    let batch = CustomerBatch(rows: 3, in: folder)
    let arguments = batch.arguments(endpoint: near.nearEndpoint) + ["--ca-file", near.certificate]
    let identity = ["--client-cert", certificate, "--client-key", key]
    let result = try await run(arguments + identity)
    #expect(result.code == 0, "\(result.errors)")
    #expect(try Invariants(batch).violations(near.sandbox.requests(), [result]) == [])
    let status = try await run(
      [
        "customer", "status", "--email", CustomerBatch.email(0), "--endpoint", near.nearEndpoint,
        "--credentials", batch.credentials, "--ca-file", near.certificate,
      ] + identity)
    #expect(status.code == 0, "\(status.errors)")
  }

  @Test(arguments: [true, false])
  func withoutTheRightOneTheHintNamesTheOptions(hasAnother: Bool) async throws {
    let (certificate, _) = try Certificate.make("client", for: "client", in: folder)
    let other = try Certificate.make("other", for: "other", in: folder)
    let near = try await DistantSandbox(folder, clientAuthority: certificate)
    let batch = CustomerBatch(rows: 2, in: folder)
    let result = try await run(
      batch.arguments(endpoint: near.nearEndpoint) + [
        "--ca-file", near.certificate, "--set", "submit.expect=always",
      ] + (hasAnother ? ["--client-cert", other.certificate, "--client-key", other.key] : []))
    #expect(result.code == 4, "\(result.errors)")
    #expect(result.errors.contains("--client-cert FILE and --client-key FILE"), "\(result.errors)")
    #expect(result.outcomes["in_doubt"] == nil)
    #expect(try near.sandbox.requests().isEmpty)
  }

  @Test(arguments: [
    "open", "missing", "nothing", "encrypted", "no key", "other's key", "key alone",
    "no certificate",
  ])
  func anIdentityThatCannotBeUsedIsRefused(_ fault: String) async throws {
    let (certificate, key) = try Certificate.make("client", for: "client", in: folder)
    let other = try Certificate.make("other", for: "other", in: folder)
    let encrypted = folder.write(
      "encrypted.key",
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n")
    if fault == "open" { #expect(chmod(key, 0o644) == 0) }
    let options =
      switch fault {
      case "missing": ["--client-cert", certificate, "--client-key", folder.path + "/nothing"]
      case "nothing": ["--client-cert", folder.path + "/nothing"]
      case "encrypted": ["--client-cert", certificate, "--client-key", encrypted]
      case "no key": ["--client-cert", certificate]
      case "other's key": ["--client-cert", certificate, "--client-key", other.key]
      case "key alone": ["--client-key", key]
      case "no certificate": ["--client-cert", key, "--client-key", key]
      default: ["--client-cert", certificate, "--client-key", key]
      }
    let near = try await DistantSandbox(folder)
    let batch = CustomerBatch(rows: 1, in: folder)
    let result = try await run(
      batch.arguments(endpoint: near.nearEndpoint) + ["--ca-file", near.certificate] + options)
    // Whether they belong together is only known when TLS begins.
    #expect(result.code == (fault == "other's key" ? 4 : 2), "\(result.errors)")
    let named = ["nothing", "no key", "no certificate"].contains(fault) ? "cert" : "key"
    #expect(
      result.errors.contains(fault == "other's key" ? "--client-" : "--client-\(named)"),
      "\(result.errors)")
    // What names no file may be a password where credentials are asked for, and here it is a path.
    #expect(!result.errors.contains("credentials themselves"), "\(result.errors)")
    #expect(try near.sandbox.requests().isEmpty)
  }
}
