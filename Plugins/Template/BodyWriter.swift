import IntakeCore

/// Writes the body of one row: secrets and scans stay segments of their own.
struct BodyWriter {
  private let row: RowContent
  private var segments: [BodySegment] = []
  private var text: [UInt8] = []

  /// The body in segments.
  static func segments(of template: BodyTemplate, for row: RowContent) -> [BodySegment] {
    var writer = BodyWriter(row)
    writer.add(template)
    writer.flush()
    return writer.segments
  }

  private init(_ row: RowContent) { self.row = row }

  private mutating func add(_ template: BodyTemplate) {
    switch template {
    case .fixed(let json): put(json)
    case .text(let text): add(text)
    case .list(let elements):
      put("[")
      for (index, element) in present(elements, \.self).enumerated() {
        if index > 0 { put(",") }
        add(element)
      }
      put("]")
    case .object(let members):
      put("{")
      for (index, member) in present(members, \.value).enumerated() {
        put((index > 0 ? "," : "") + JSONText.quoted(member.name) + ":")
        add(member.value)
      }
      put("}")
    }
  }

  private func present<Item>(_ items: [Item], _ template: (Item) -> BodyTemplate) -> [Item] {
    items.filter { !template($0).isAbsent(in: row) }
  }

  private mutating func add(_ content: PlaceholderText) {
    put("\"")
    for part in content.parts {
      switch part {
      case .literal(let literal): text += JSONText.escaped(literal.utf8)
      case .placeholder(.secret(let name)): place(.secret(name))
      case .placeholder(.image(let side, .base64)): add(side)
      case .placeholder(.image(let side, .dataURI)):
        put("data:\(row.mediaType(side));base64,")
        add(side)
      case .placeholder(let placeholder):
        text += JSONText.escaped((row.text(placeholder) ?? "").utf8)
      }
    }
    put("\"")
  }

  private mutating func add(_ side: Side) {
    if let image = row.images[side] { place(.image(image)) }
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
