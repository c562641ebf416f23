import IntakeCore
import Synchronization

/// Customers kept on disk across restarts: a JSON file for each, and its images beside it.
final class StateDirectory: Sendable {
  private let path: String
  private let lock: Int32
  /// The image files of each customer; also the lock under which files are written, one save at a time.
  private let images = Mutex<[Int: Set<String>]>([:])

  /// The largest file that is read back: a body's images are smaller, and so is everything else.
  private static let mostBytes = 64 << 20

  /// Takes over a directory; makes it when only its parent is there.
  init(_ path: String) throws(SandboxError) {
    self.path = path
    for folder in [path, path + "/customers", path + "/images"] {
      guard PrivateFile.makeDirectory(folder) else {
        throw .state("the state directory cannot be made: its parent must exist and be writable")
      }
    }
    guard let lock = PrivateFile.lock(path + "/lock") else {
      throw .state("the state directory is in use by another sandbox, or is not writable")
    }
    self.lock = lock
  }

  deinit { PrivateFile.unlock(lock) }

  /// All customers, in the order of their numbers; image files that none of them names are removed.
  func customers() throws(SandboxError) -> [Customer] {
    let names = PrivateFile.names(in: path + "/customers").filter { $0.hasSuffix(".json") }
    var customers: [Customer] = []
    for name in names {
      guard let bytes = PrivateFile.read(file(name), most: StateDirectory.mostBytes),
        let value = try? JSONParser.parse(bytes), let customer = Customer(record: value)
      else {
        throw .state("\(name) in the state directory is damaged: move it away or start afresh")
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
      for name in PrivateFile.names(in: path + "/images") where !known.contains(name) {
        PrivateFile.remove(image(name))
      }
    }
  }

  /// Writes a customer as it is at that moment, images first; false when the disk refused.
  func save(_ latest: () -> Customer?) -> Bool {
    images.withLock { images in
      guard let customer = latest() else { return true }
      let old = images[customer.number] ?? []
      let new = StateDirectory.names(customer)
      for (side, scan) in customer.images {
        let name = StateDirectory.name(scan, side, customer.number)
        guard !old.contains(name), let bytes = scan.bytes else { continue }
        guard PrivateFile.replace(image(name), with: bytes) else { return false }
      }
      let record = Array(customer.record.text.utf8)
      guard PrivateFile.replace(file("\(customer.number).json"), with: record) else { return false }
      for name in old.subtracting(new) { PrivateFile.remove(image(name)) }
      images[customer.number] = new
      return true
    }
  }

  /// The bytes of an image that memory does not hold; nil when the file is not what it was.
  func bytes(of scan: StoredImage, side: Side, of customer: Customer) -> [UInt8]? {
    let name = StateDirectory.name(scan, side, customer.number)
    let bytes = PrivateFile.read(image(name), most: StateDirectory.mostBytes)
    return bytes.flatMap { StoredImage($0).sha256 == scan.sha256 ? $0 : nil }
  }

  /// Removes all customers and images.
  func clear() {
    images.withLock { images in
      for name in PrivateFile.names(in: path + "/customers") { PrivateFile.remove(file(name)) }
      for name in PrivateFile.names(in: path + "/images") { PrivateFile.remove(image(name)) }
      images = [:]
    }
  }

  private func file(_ name: String) -> String { path + "/customers/" + name }
  private func image(_ name: String) -> String { path + "/images/" + name }

  /// Named after its content, so that a crash between two writes never pairs a record with a strange image.
  private static func name(_ scan: StoredImage, _ side: Side, _ number: Int) -> String {
    "\(number)-\(side.rawValue)-\(scan.sha256.prefix(16))"
  }

  private static func names(_ customer: Customer) -> Set<String> {
    Set(customer.images.map { name($0.value, $0.key, customer.number) })
  }
}
