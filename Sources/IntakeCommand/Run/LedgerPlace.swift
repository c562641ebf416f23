import IntakeCore
import IntakeCrypto
import IntakeLedger
import IntakeRunner
import IntakeSystem
import IntakeTransport

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where ledgers and their keys are kept: in the state directory, `$XDG_STATE_HOME/docintake`.
enum LedgerPlace {
  /// `dcams-dcams.app.ledger.jsonl`: one ledger for all manifests of a target, or one for each shard of a batch.
  ///
  /// The embedded sandbox forgets everything when it ends: a manifest has a ledger of its own there.
  static func path(of target: TargetName, manifest: String, shard: Shard?) throws(CommandError)
    -> String
  {
    let name =
      target.isEmbedded
      ? try name(of: manifest, sentTo: target) : stem(of: target.full + target.port)
    let part = shard.map { "-\($0.index)of\($0.count)" } ?? ""
    return try directory(orElse: "give --ledger PATH, or set HOME or XDG_STATE_HOME") + "/" + name
      + part + suffix
  }

  /// `customers-sandbox-d9359d94`: the digits tell equal names in different folders apart.
  private static func name(of manifest: String, sentTo target: TargetName) throws(CommandError)
    -> String
  {
    let isPipe = manifest == "-"
    let place = isPipe ? "-" : absolute(manifest)
    guard let digest = try? Digest.sha256(Array("\(place)\n\(target.full)".utf8)) else {
      throw CommandError(.internalError, "libcrypto has no SHA-256", hint: "give --ledger PATH")
    }
    let stem = isPipe ? "stdin" : stem(ofFile: manifest)
    return "\(stem)-\(target.short)-\(Hex.text(digest.prefix(4)))"
  }

  /// `dcams-dcams.app.key`: the key of all ledgers of a target; nil where there is no state directory.
  @Sendable static func keyFile(of target: String) -> String? {
    (try? directory()).map { $0 + "/" + stem(of: target) + ".key" }
  }

  /// Every ledger of the state directory, sorted.
  static func all() throws(CommandError) -> [String] {
    let directory = try directory()
    guard let folder = try? Folder(directory) else { return [] }
    return folder.names(in: ".", atMost: 10_000).filter { $0.hasSuffix(suffix) }.sorted()
      .map { directory + "/" + $0 }
  }

  /// The other ledgers of a target in the state directory, sorted, without those of other shards of the batch and, on
  /// this machine, of other ports.
  static func others(of target: TargetName, than path: String, shard: Shard?) -> [String] {
    ((try? all()) ?? []).filter { other in
      if target.isLoopback, let port = port(in: other, of: target), port != target.port {
        return false
      }
      let isPart = shard.map { other.hasSuffix("of\($0.count)" + suffix) } ?? false
      return other != path && !isPart && isAbout(target, other)
    }
  }

  /// Whether a ledger is about a target; one without a line, which a run is about to write, says so by its name.
  private static func isAbout(_ target: TargetName, _ path: String) -> Bool {
    do {
      if let known = try LedgerReader.target(of: path) { return known == target.full }
      let start = stem(of: target.full + target.port)
      let name = path.split(separator: "/").last ?? ""
      return name.hasPrefix(start + "-") || name.hasPrefix(start + ".")
    } catch {
      // One that cannot be read now cannot be consulted either.
      return false
    }
  }

  /// `-8080`: the port of this machine that a ledger's name says it is about, nil where it says none.
  private static func port(in path: String, of target: TargetName) -> String? {
    let (name, start) = (path.split(separator: "/").last ?? "", stem(of: target.full) + "-")
    guard name.hasPrefix(start) else { return nil }
    return "-" + name.dropFirst(start.count).prefix { $0.isNumber }
  }

  private static let suffix = ".ledger.jsonl"

  /// The name of a target in the names of its files: `dcams:dcams.app` is `dcams-dcams.app`.
  private static func stem(of target: String) -> String {
    String(
      decoding: target.utf8.map {
        $0.isASCIIAlphanumeric || "-._".utf8.contains($0) ? $0 : UInt8(ascii: "-")
      }, as: UTF8.self)
  }

  private static func directory(orElse hint: String = "set HOME or XDG_STATE_HOME")
    throws(CommandError) -> String
  {
    guard let folder = Terminal.ownFolder("XDG_STATE_HOME", below: ".local/state") else {
      throw CommandError(
        .usage, "no place for ledgers: neither XDG_STATE_HOME nor HOME is set", hint: hint)
    }
    return folder
  }

  private static func stem(ofFile path: String) -> String {
    let stem = (path.split(separator: "/").last ?? "").prefix { $0 != "." }
    let safe = stem.utf8.filter { $0.isASCIIAlphanumeric || "-_".utf8.contains($0) }
    return safe.isEmpty ? "manifest" : String(decoding: safe.prefix(60), as: UTF8.self)
  }

  /// The path without links and dots; as it is where there is nothing.
  static func absolute(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}

/// What a ledger is bound to: the vendor, where it is, and the operation.
struct TargetName {
  /// `dcams`, `noah`, `sandbox`: part of the ledger's default name.
  let short: String
  /// Whether it is the sandbox inside the command.
  let isEmbedded: Bool
  /// `dcams:dcams.app`: a ledger refuses rows of any other.
  let full: String
  /// `-8080` for an address of this machine: behind each port, or the tunnel that begins there, is another target.
  let port: String
  /// Whether it is on this machine.
  let isLoopback: Bool
  /// The operation as the vendor spells it; part of every row's key.
  let operation: String

  init(_ editing: PlanEditing) {
    isEmbedded = editing.wantsSandbox
    let stage = editing.name(of: "assemble") ?? "target"
    short = isEmbedded ? editing.vendor?.emulation?.name ?? stage + "-sandbox" : stage
    let place = try? Endpoint(request: editing.option("submit", "endpoint") ?? "")
    // Test servers change ports, so all of this machine is one place; only the names of the ledgers differ.
    isLoopback = place?.isLoopback == true
    let host = isLoopback ? "loopback" : place?.host ?? "unknown"
    full = "\(stage):\(isEmbedded ? "sandbox" : host)"
    port = isLoopback ? place?.port.map { "-\($0)" } ?? "" : ""
    operation = editing.option("assemble", "operation") ?? editing.defaultOperation ?? stage
  }
}
