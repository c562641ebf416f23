public import IntakeCore

/// How a ledger is opened.
public struct LedgerSettings: Sendable {
  /// The file.
  public var path: String
  /// The receiving API; a ledger is about one.
  public var target: String
  /// The operation that this run sends rows for, which is part of their keys; a ledger may see several.
  public var operation: String?
  /// The part of the manifest that this run takes, `i/n`; nil for all of it.
  public var shard: String?
  /// Name and version of the program, for the record.
  public var tool: String
  /// Whether lines are synchronised to disk; without it a power cut loses what was promised: benchmarks only.
  public var isSynchronized = true

  /// Names the file and the receiving API.
  public init(
    path: String, target: String, operation: String? = nil, shard: String? = nil,
    tool: String = "docintake-\(ProductVersion.number)"
  ) {
    self.path = path
    self.target = target
    self.operation = operation
    self.shard = shard
    self.tool = tool
  }
}
