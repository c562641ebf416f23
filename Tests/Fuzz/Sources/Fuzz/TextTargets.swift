import IntakeCommand
import IntakeCore
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The parsers of text that comes from outside: manifests, plans, and ledgers after a crash.
enum TextTargets {
  /// A folder of this process, in memory where the caller says so: the stages read files, not bytes.
  private static let folder: String = {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/docintake-fuzz-XXXXXX".utf8CString)
    return mkdtemp(&template).map { String(cString: $0) } ?? parent
  }()

  /// JSON, through the reader of plans.
  static func plan(_ bytes: [UInt8]) {
    guard let plan = try? PipelinePlan(json: bytes) else { return }
    _ = try? StageRegistry.builtin.assemble(plan)
    _ = plan.json
  }

  /// CSV and JSON Lines, told apart by content as the command does.
  static func manifest(_ bytes: [UInt8]) {
    let path = store(bytes, as: "manifest")
    wait {
      guard let loader = pipeline("load", "manifest", path)?.loader else { return }
      guard let rows = try? await loader.rows() else { return }
      while let row = try? await rows.next() { _ = row.record.identity }
      _ = rows.notices
    }
  }

  /// A ledger as a crash or an editor left it.
  static func ledger(_ bytes: [UInt8]) {
    let path = store(bytes, as: "ledger")
    wait {
      guard let journal = pipeline("record", "ledger", path)?.journal else { return }
      guard (try? await journal.prepare()) != nil else { return }
      _ = try? await journal.open(for: "dcams", operation: "createOrUpdateCustomer")
      await journal.finish()
    }
  }

  private static func pipeline(_ stage: String, _ option: String, _ path: String) -> Pipeline? {
    let names = ["load", "decode", "shrink", "base64", "dcams", "submit", "record"]
    let plan = PipelinePlan(
      names.map { name in
        var options: [String: OptionValue] = [:]
        if name == "submit" { options["endpoint"] = .text("http://127.0.0.1:9/") }
        if name == stage { options[option] = .text(path) }
        return PlannedStage(name, options)
      })
    return try? StageRegistry.builtin.assemble(plan)
  }

  private static func store(_ bytes: [UInt8], as name: String) -> String {
    let path = folder + "/" + name
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    // Inputs are a few kilobytes and the file is in memory: one write takes them all.
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    precondition(count == bytes.count, "no room in \(folder)")
    close(descriptor)
    return path
  }

  /// Blocks until the work is done; libFuzzer calls from a thread of its own that may block.
  private static func wait(for work: @escaping @Sendable () async -> Void) {
    let isDone = Flag()
    Task {
      await work()
      isDone.value.withLock { $0 = true }
    }
    while !isDone.value.withLock({ $0 }) { usleep(20) }
  }

  private final class Flag: Sendable {
    let value = Mutex(false)
  }
}
