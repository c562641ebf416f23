import IntakeCore
import IntakeSystem
import Synchronization

/// Customers kept on disk across restarts: a JSON file for each, and its images in files of their own.
final class StateDirectory: Sendable {
  private let path: String
  private let folder: Folder
  private let lock: AppendOnlyFile
  /// The image files of each customer; its lock lets one save write at a time.
  private let images = Mutex<[Int: Set<String>]>([:])

  /// The largest file that is read back; anything that fits into a request body is smaller.
  private static let mostBytes = 64 << 20

  /// Takes over a directory, which is made if only its parent exists.
  init(_ path: String) throws(SandboxError) {
    self.path = path
    do {
      // If the parent is missing, too, the path is mistyped.
      guard DurableFile.exists(DurableFile.folder(of: path)) else { throw FileFailure.notFound }
      for folder in [path, path + "/customers", path + "/images"] {
        try DurableFile.makeFolder(folder)
      }
      folder = try Folder(path)
    } catch {
      throw SandboxError(
        "the state directory cannot be made: its parent must exist and be writable")
    }
    guard let lock = try? StateDirectory.lock(path + "/lock") else {
      throw SandboxError("the state directory is in use by another sandbox, or is not writable")
    }
    self.lock = lock
  }

  private static func lock(_ path: String) throws(SystemCallFailure) -> AppendOnlyFile? {
    let mode: AppendOnlyFile.Mode = DurableFile.exists(path) ? .appending : .creating
    let file = try AppendOnlyFile.open(path, mode)
    return try file.lock() ? file : nil
  }

  /// All customers, in the order of their numbers; image files that none of them names are removed.
  func customers() throws(SandboxError) -> [Customer] {
    var customers: [Customer] = []
    for name in names(in: "customers") where name.hasSuffix(".json") {
      guard let bytes = read("customers/" + name),
        let value = try? JSONParser.parse(bytes), let customer = Customer(record: value)
      else {
        throw SandboxError(
          "\(name) in the state directory is damaged: move it away or start afresh")
      }
      customers.append(customer)
    }
    customers.sort { $0.number < $1.number }
    removeStrays(customers)
    return customers
  }

  private func removeStrays(_ customers: [Customer]) {
    images.withLock { images in
      for customer in customers { images[customer.number] = StateDirectory.names(customer) }
      let known = images.values.reduce(into: Set<String>()) { $0.formUnion($1) }
      for name in names(in: "images") where !known.contains(name) { remove("images/" + name) }
    }
  }

  /// Writes the latest state of a customer, images first; false when the disk refused.
  func save(_ latest: () -> Customer?) -> Bool {
    images.withLock { images in
      guard let customer = latest() else { return true }
      let old = images[customer.number] ?? []
      let new = StateDirectory.names(customer)
      for (side, scan) in customer.images {
        let name = StateDirectory.name(scan, side, customer.number)
        guard !old.contains(name), let bytes = scan.bytes else { continue }
        guard replace("images/" + name, bytes) else { return false }
      }
      let record = Array(customer.record.text.utf8)
      guard replace("customers/\(customer.number).json", record) else { return false }
      for name in old.subtracting(new) { remove("images/" + name) }
      images[customer.number] = new
      return true
    }
  }

  /// The bytes of an image that memory does not hold; nil if the file has changed.
  func bytes(of scan: StoredImage, side: Side, of customer: Customer) -> [UInt8]? {
    let name = StateDirectory.name(scan, side, customer.number)
    return read("images/" + name).flatMap { StoredImage.sha256(of: $0) == scan.sha256 ? $0 : nil }
  }

  func clear() {
    images.withLock { images in
      for part in ["customers/", "images/"] { names(in: part).forEach { remove(part + $0) } }
      images = [:]
    }
  }

  private func names(in part: String) -> [String] {
    folder.names(in: part, atMost: .max).filter { !$0.hasPrefix(".") }
  }

  private func read(_ name: String) -> [UInt8]? {
    try? folder.read(name, atMost: StateDirectory.mostBytes)
  }

  private func replace(_ name: String, _ bytes: [UInt8]) -> Bool {
    (try? DurableFile.replace(path + "/" + name, bytes)) != nil
  }

  private func remove(_ name: String) { try? DurableFile.remove(path + "/" + name) }

  /// Named after the content, so that a crash between two writes never pairs a record with the wrong image.
  private static func name(_ scan: StoredImage, _ side: Side, _ number: Int) -> String {
    "\(number)-\(side.rawValue)-\(scan.sha256.prefix(16))"
  }

  private static func names(_ customer: Customer) -> Set<String> {
    Set(customer.images.map { name($0.value, $0.key, customer.number) })
  }
}
