import IntakeCore

/// Writes the JSON body of a DCAMS request: secrets and images stay segments of their own.
struct DCAMSBody {
  private var segments: [BodySegment] = []
  private var text: [UInt8] = []

  /// The request of a row; cells that are empty are left out, not sent as "".
  static func row(_ assembly: Assembly, _ operation: DCAMSOperation) -> [BodySegment] {
    let fields = assembly.record.fields
    var body = DCAMSBody(service: operation.rawValue)
    switch operation {
    case .createOrUpdateCustomer:
      if let reference = fields[.reference] {
        body.put(",\"reference\":\(JSONText.quoted(reference.exposed))")
      }
      body.put(",\"target\":{" + members(customer(fields)))
      body.put(assembly.images)
    case .updateStatus:
      let cells = [Column.email, .status].compactMap { column in
        fields[column].map { (column.rawValue, $0.exposed) }
      }
      body.put(",\"target\":{" + members(cells))
    }
    return body.closed()
  }

  /// A request about one customer, without images.
  static func request(service: String, target: [(String, String)]) -> [BodySegment] {
    var body = DCAMSBody(service: service)
    body.put(",\"target\":{" + members(target))
    return body.closed()
  }

  private init(service: String) {
    put("{\"user\":\"")
    put(.secret("user"))
    put("\",\"pass\":\"")
    put(.secret("pass"))
    put("\",\"service\":\(JSONText.quoted(service))")
  }

  private static func members(_ fields: [(String, String)]) -> String {
    fields.map { "\(JSONText.quoted($0.0)):\(JSONText.quoted($0.1))" }.joined(separator: ",")
  }

  /// The nine documented attributes; the API has one line for the address, so a second one is appended.
  private static func customer(_ fields: CustomerFields) -> [(String, String)] {
    [Column.email, .fn, .ln, .addr, .city, .state, .zip, .dob, .phone].compactMap { column in
      guard var value = fields[column]?.exposed else { return nil }
      if column == .dob { value = fields.date(.dob)?.compact ?? value }
      if column == .addr, let second = fields[.addr2] { value += ", " + second.exposed }
      return (column.rawValue, value)
    }
  }

  private mutating func put(_ images: [Side: EncodedImage]) {
    put(",\"documents\":{")
    for (index, image) in images.sorted(by: { $0.key < $1.key }).enumerated() {
      put((index == 0 ? "\"" : ",\"") + image.key.rawValue + "\":\"")
      put(.image(image.value))
      put("\"")
    }
    put("}")
  }

  private mutating func put(_ more: String) { text += Array(more.utf8) }

  private mutating func put(_ segment: BodySegment) {
    segments += [.bytes(text), segment]
    text = []
  }

  private func closed() -> [BodySegment] { segments + [.bytes(text + Array("}}".utf8))] }
}

/// The services of DCAMS storage that take one row each.
enum DCAMSOperation: String, CaseIterable {
  case createOrUpdateCustomer, updateStatus

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
