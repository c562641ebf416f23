/// A manifest of invented customers with tiny scans, and credentials for the sandbox.
package struct CustomerBatch: Sendable {
  package let manifest: String
  package let credentials: String
  package let ledger: String
  package let count: Int
  private let folder: TemporaryFolder

  /// Writes the manifest, one scan for all, and the credentials file into the folder.
  package init(rows count: Int, in folder: TemporaryFolder) {
    self.count = count
    self.folder = folder
    folder.write("scan.jpg", TinyScan.bytes)
    credentials = folder.write("keys.json", #"{"user":"sandbox","pass":"sandbox"}"#)
    ledger = folder.path + "/batch.ledger"
    manifest = folder.path + "/batch.csv"
    write()
  }

  /// Writes the manifest anew; `change` may turn a row's cells into others.
  package func write(_ change: (Int, inout [String]) -> Void = { _, _ in }) {
    writePart(0..<count, "batch.csv", change)
  }

  /// Writes some of the rows as a manifest of another name, and returns its path.
  @discardableResult
  package func writePart(
    _ numbers: Range<Int>, _ name: String, _ change: (Int, inout [String]) -> Void = { _, _ in }
  ) -> String {
    let header = "id,email,fn,ln,addr,dob,front\n"
    let rows = numbers.map { number -> String in
      var cells = [
        CustomerBatch.id(number), CustomerBatch.email(number), "Zanzibar", "Quetzal\(number)",
        "\(number) Xylophone Way", "19830417", "scan.jpg",
      ]
      change(number, &cells)
      return cells.joined(separator: ",")
    }
    return folder.write(name, header + rows.joined(separator: "\n") + "\n")
  }

  /// The row's id.
  package static func id(_ number: Int) -> String { "R-\(number)" }

  /// The customer's address, as the sandbox's log has it.
  package static func email(_ number: Int) -> String { "canary-\(number)@example.com" }

  /// What must not be found in any output or file of the program.
  package static let canaries = [
    "Zanzibar", "Quetzal", "Xylophone", "19830417", "1983-04-17", "canary-", TinyScan.canary,
  ]

  /// The arguments of a run against a sandbox.
  package func arguments(_ sandbox: SandboxProcess, _ more: String...) -> [String] {
    arguments(endpoint: sandbox.endpoint) + more
  }

  /// The arguments of a run against an address.
  package func arguments(endpoint: String) -> [String] {
    [
      "run", manifest, "--to", "dcams", "--endpoint", endpoint, "--credentials", credentials,
      "--ledger", ledger,
    ]
  }
}
