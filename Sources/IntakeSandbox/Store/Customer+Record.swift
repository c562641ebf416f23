import IntakeCore

extension Customer {
  /// The customer as its file holds it; the images' bytes are in files of their own.
  var record: JSONOutput {
    let scans = Side.allCases.compactMap { side in
      images[side].map { (side.rawValue, $0.record) }
    }
    return .object([
      ("number", .integer(number)), ("api", .string(origin.rawValue)), ("key", .string(key)),
      ("created", .decimal(created.seconds)), ("status", .string(status)),
      ("reference", reference?.output ?? .null),
      ("fields", .array(fields.map { .array([.string($0.name), .string($0.value)]) })),
      ("document", .string(String(decoding: document, as: UTF8.self))),
      ("images", .object(scans)),
      ("events", .array(events.map { .array([.decimal($0.time.seconds), .string($0.text)]) })),
    ])
  }

  /// Reads a record; nil when something is missing.
  init?(record: JSONValue) {
    guard let number = record["number"]?.integer, let key = record["key"]?.string,
      let origin = record["api"]?.string.flatMap({ Origin(rawValue: $0) }),
      let created = record["created"]?.number, let status = record["status"]?.string,
      let fields = record["fields"]?.elements, let events = record["events"]?.elements,
      let scans = record["images"]?.fields
    else { return nil }
    self.init(
      number: number, origin: origin, key: key, created: Timestamp(seconds: created),
      status: status, reference: Reference(record["reference"]))
    self.fields = fields.compactMap { CustomerField(pair: $0.elements ?? []) }
    self.events = events.compactMap { CustomerEvent(pair: $0.elements ?? []) }
    document = Array((record["document"]?.string ?? "").utf8)
    for scan in scans {
      guard let side = Side(rawValue: scan.name), let image = StoredImage(record: scan.value)
      else { return nil }
      images[side] = image
    }
  }
}

extension CustomerField {
  fileprivate init?(pair: [JSONValue]) {
    guard pair.count == 2, let name = pair[0].string, let value = pair[1].string else { return nil }
    self.init(name: name, value: value)
  }
}

extension CustomerEvent {
  fileprivate init?(pair: [JSONValue]) {
    guard pair.count == 2, let time = pair[0].number, let text = pair[1].string else { return nil }
    self.init(time: Timestamp(seconds: time), text: text)
  }
}

extension StoredImage {
  /// What is known of the image, without its bytes.
  fileprivate var record: JSONOutput {
    .object([
      ("bytes", .integer(byteCount)), ("sha256", .string(sha256)),
      ("format", .optional(format?.rawValue)), ("width", size.map { .integer($0.width) } ?? .null),
      ("height", size.map { .integer($0.height) } ?? .null), ("prefix", .optional(prefix)),
    ])
  }

  fileprivate init?(record: JSONValue) {
    // The hash names a file: anything but hexadecimal digits could name one elsewhere.
    guard let bytes = record["bytes"]?.integer, let sha256 = record["sha256"]?.string,
      sha256.utf8.count == 64, sha256.allSatisfy(\.isHexDigit)
    else { return nil }
    let width = record["width"]?.integer
    let height = record["height"]?.integer
    let size = width.flatMap { width in height.map { PixelSize(width: width, height: $0) } }
    self.init(
      bytes: nil, byteCount: bytes, sha256: sha256,
      format: record["format"]?.string.flatMap { ImageFormat(rawValue: $0) }, size: size,
      prefix: record["prefix"]?.string)
  }
}
