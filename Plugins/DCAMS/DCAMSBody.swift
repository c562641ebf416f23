import IntakeCore

/// Writes the JSON body of a DCAMS request: secrets and images stay segments of their own.
struct DCAMSBody {
  private(set) var segments: [BodySegment] = []
  private var text: [UInt8] = []
  private let operation: DCAMSOperation

  init(operation: DCAMSOperation) {
    self.operation = operation
    put("{\"user\":\"")
    place(.secret("user"))
    put("\",\"pass\":\"")
    place(.secret("pass"))
    put("\",\"service\":\(JSONText.quoted(operation.rawValue))")
  }

  /// A request of the storage API that carries no image and no reference.
  static func request(service: String, target: [(String, String)]) -> [BodySegment] {
    let target = JSONOutput.object(target.map { ($0.0, .string($0.1)) }).text
    return [
      .bytes(Array("{\"user\":\"".utf8)), .secret("user"),
      .bytes(Array("\",\"pass\":\"".utf8)), .secret("pass"),
      .bytes(Array("\",\"service\":\(JSONText.quoted(service)),\"target\":\(target)}".utf8)),
    ]
  }

  /// Writes the reference and the fields that are there; empty ones are left out, not sent as "".
  mutating func add(_ fields: CustomerFields) {
    if operation == .createOrUpdateCustomer, let reference = fields[.reference] {
      put(",\"reference\":\(JSONText.quoted(reference.exposed))")
    }
    let target = operation == .updateStatus ? statusFields(fields) : customerFields(fields)
    let members = target.map { "\(JSONText.quoted($0.0)):\(JSONText.quoted($0.1))" }
    put(",\"target\":{" + members.joined(separator: ","))
  }

  /// Writes the images and closes the body.
  mutating func add(_ images: [Side: EncodedImage]) {
    if operation == .createOrUpdateCustomer {
      put(",\"documents\":{")
      for (index, image) in images.sorted(by: { $0.key < $1.key }).enumerated() {
        put((index == 0 ? "\"" : ",\"") + image.key.rawValue + "\":\"")
        place(.image(image.value))
        put("\"")
      }
      put("}")
    }
    put("}}")
    flush()
  }

  private func statusFields(_ fields: CustomerFields) -> [(String, String)] {
    [("email", fields[.email]), ("status", fields[.status])].compactMap { name, cell in
      cell.map { (name, $0.exposed) }
    }
  }

  /// The nine documented attributes; the API has one line for the address, so a second one is appended.
  private func customerFields(_ fields: CustomerFields) -> [(String, String)] {
    var members: [(String, String)] = []
    for column in [Column.email, .fn, .ln, .addr, .city, .state, .zip, .dob, .phone] {
      guard var value = fields[column]?.exposed else { continue }
      if column == .dob { value = fields.date(.dob)?.compact ?? value }
      if column == .addr, let second = fields[.addr2] { value += ", " + second.exposed }
      members.append((column.rawValue, value))
    }
    return members
  }

  private mutating func put(_ more: String) { text += Array(more.utf8) }

  private mutating func place(_ segment: BodySegment) {
    flush()
    segments.append(segment)
  }

  private mutating func flush() {
    if !text.isEmpty { segments.append(.bytes(text)) }
    text = []
  }
}

/// The services of DCAMS storage that take one row each.
enum DCAMSOperation: String, CaseIterable {
  case createOrUpdateCustomer, updateStatus

  /// Everything that is wrong with a row for this service.
  func problems(in record: IntakeRecord) -> [StageFailure] {
    var problems: [StageFailure] = []
    // The vendor marks only front as required, yet it looks customers up by e-mail alone.
    if record.fields[.email] == nil { problems.append(missing(.email)) }
    switch self {
    case .createOrUpdateCustomer:
      if !record.images.contains(where: { $0.side == .front }) { problems.append(missing(.front)) }
    case .updateStatus:
      if record.fields[.status] == nil { problems.append(missing(.status)) }
    }
    return problems
  }

  private func missing(_ column: Column) -> StageFailure {
    StageFailure(
      .missingValue, "column \"\(column.rawValue)\" is empty, and \(rawValue) needs it",
      column: ColumnName(column))
  }
}
