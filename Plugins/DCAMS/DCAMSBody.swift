import IntakeCore

enum DCAMSBody {
  /// The request of a row; cells that are empty are left out, not sent as "".
  static func row(_ assembly: Assembly, _ operation: DCAMSOperation) -> [BodySegment] {
    let fields = assembly.record.fields
    switch operation {
    case .createOrUpdateCustomer:
      return request(
        service: operation.rawValue, reference: fields[.reference]?.exposed,
        target: customer(fields), images: assembly.images)
    case .updateStatus:
      let cells = [Column.email, .status].compactMap { column in
        fields[column].map { (column.rawValue, $0.exposed) }
      }
      return request(service: operation.rawValue, target: cells)
    }
  }

  /// The request of a service; without `images` there are no documents in it.
  static func request(
    service: String, reference: String? = nil, target: [(String, String)],
    images: [Side: EncodedImage]? = nil
  ) -> [BodySegment] {
    var body = BodyWriter()
    body.write("{\"user\":\"")
    body.write(.secret("user"))
    body.write("\",\"pass\":\"")
    body.write(.secret("pass"))
    body.write("\",\"service\":\(JSONText.quoted(service))")
    if let reference { body.write(",\"reference\":\(JSONText.quoted(reference))") }
    let members = target.map { "\(JSONText.quoted($0.0)):\(JSONText.quoted($0.1))" }
    body.write(",\"target\":{" + members.joined(separator: ","))
    if let images { write(images, to: &body) }
    body.write("}}")
    return body.segments
  }

  private static func write(_ images: [Side: EncodedImage], to body: inout BodyWriter) {
    body.write(",\"documents\":{")
    for (index, image) in images.sorted(by: { $0.key < $1.key }).enumerated() {
      body.write((index == 0 ? "\"" : ",\"") + image.key.rawValue + "\":\"")
      body.write(.image(image.value))
      body.write("\"")
    }
    body.write("}")
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
}

/// The services of DCAMS storage that take one row each.
enum DCAMSOperation: String, CaseIterable {
  case createOrUpdateCustomer, updateStatus

  func problems(in record: IntakeRecord) -> [StageFailure] {
    // The vendor marks only front as required, yet it looks customers up by e-mail alone.
    var missing: [Column] = record.fields[.email] == nil ? [.email] : []
    switch self {
    case .createOrUpdateCustomer:
      if !record.images.contains(where: { $0.side == .front }) { missing.append(.front) }
    case .updateStatus:
      if record.fields[.status] == nil { missing.append(.status) }
    }
    return missing.map { .missing(ColumnName($0), "\(rawValue) needs it") }
  }
}
