import IntakeCore

/// A customer as the sandbox keeps it: what either API received, and when.
struct Customer: Sendable {
  /// Counts the customers of this sandbox; the digits in `customer_link`.
  let number: Int
  let origin: Origin
  /// How that API identifies it: the e-mail as first stored, or the CustomerID.
  let key: String
  let created: UTCTime
  var status: String
  /// The `reference` of DCAMS, a string or a number, which answers repeat as it came.
  var reference: JSONValue?
  /// What was sent, in the order of first arrival; nested names joined with dots.
  var fields: [(name: String, value: String)] = []
  /// Noah's request body as received; its answers repeat parts of it.
  var document: [UInt8] = []
  var images: [Side: StoredImage] = [:]
  var events: [(time: UTCTime, text: String)] = []

  /// The number of its latest change.
  var lastChange = 0

  /// Whether everything but key, number, reference and status was dropped to keep memory flat.
  private(set) var isReduced = false

  var keptBytes: Int { images.values.reduce(0) { $0 + ($1.bytes?.count ?? 0) } }

  /// Drops everything that grows with what was sent.
  mutating func reduce() {
    (fields, document, images, events) = ([], [], [:], [])
    isReduced = true
  }

  enum Origin: String, Sendable {
    case dcams = "DCAMS"
    case noah = "Noah"
  }

  subscript(field name: String) -> String? { fields.first { $0.name == name }?.value }

  /// Sets a field, keeping its place if it had one.
  mutating func set(_ name: String, _ value: String) {
    if let index = fields.firstIndex(where: { $0.name == name }) {
      fields[index].value = value
    } else {
      fields.append((name, value))
    }
  }

  /// Notes what happened; the first and the latest 49 are kept.
  mutating func note(_ text: String, at time: UTCTime) {
    if events.count >= 50 { events.remove(at: 1) }
    events.append((time, text))
  }
}

extension Customer {
  /// The customer as its file holds it; images have files of their own.
  var record: JSONOutput {
    let scans: JSONFields = Side.allCases.map { side in
      (side.rawValue, images[side].map { JSONOutput(fields: $0.facts) })
    }
    return JSONOutput(fields: [
      ("number", number), ("api", origin.rawValue), ("key", key), ("created", created.seconds),
      ("status", status), ("reference", reference.map(JSONOutput.init).orNull),
      ("fields", fields.map { [$0.name, $0.value] }),
      ("document", String(decoding: document, as: UTF8.self)),
      ("images", JSONOutput(fields: scans)),
      ("events", events.map { JSONOutput.array([$0.time.seconds.json, $0.text.json]) }),
    ])
  }

  init?(record: JSONValue) {
    guard let number = record["number"]?.integer, let key = record["key"]?.string,
      let origin = record["api"]?.string.flatMap({ Origin(rawValue: $0) }),
      let created = record["created"]?.number, let status = record["status"]?.string,
      let fields = record["fields"]?.elements, let events = record["events"]?.elements,
      let scans = record["images"]?.fields
    else { return nil }
    self.init(
      number: number, origin: origin, key: key, created: UTCTime(seconds: created),
      status: status,
      reference: record["reference"].flatMap { $0.isNull ? nil : $0 })
    for pair in fields.compactMap(\.elements) where pair.count == 2 {
      if let name = pair[0].string, let value = pair[1].string { self.fields.append((name, value)) }
    }
    for pair in events.compactMap(\.elements) where pair.count == 2 {
      guard let time = pair[0].number, let text = pair[1].string else { continue }
      self.events.append((UTCTime(seconds: time), text))
    }
    document = Array((record["document"]?.string ?? "").utf8)
    for scan in scans {
      guard let side = Side(rawValue: scan.name), let image = StoredImage(record: scan.value)
      else { return nil }
      images[side] = image
    }
  }
}
