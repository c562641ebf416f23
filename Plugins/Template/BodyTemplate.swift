import IntakeCore
import IntakeSystem

/// A JSON body whose texts hold placeholders.
indirect enum BodyTemplate: Sendable {
  /// A number, true, false or null, as the template writes it.
  case fixed(String)
  case text(PlaceholderText)
  /// A list or an object; the elements of a list have no names.
  case group([(name: String?, value: BodyTemplate)], isObject: Bool)

  /// Reads a template; the faults name line and column in it.
  init(json bytes: [UInt8]) throws(TemplateFault) {
    let root: JSONValue
    do throws(JSONParser.Failure) { root = try JSONParser.parse(bytes) } catch {
      throw BodyTemplate.fault(error.message, at: error.offset, in: bytes)
    }
    guard root.fields != nil || root.elements != nil else {
      throw TemplateFault("the template is an object or a list, not \(root.kindName)")
    }
    self = try BodyTemplate(root, in: bytes)
  }

  /// Reads a template from a file that the plan names.
  init(file path: String) throws(TemplateFault) {
    let bytes: [UInt8]
    do throws(FileFailure) {
      // A template is a page of text; a megabyte is somebody's mistake.
      bytes = try Descriptor.open(path).wholeFile(atMost: 1 << 20)
    } catch {
      throw TemplateFault("\(Sanitizer.clean(path)): \(error)")
    }
    try self.init(json: bytes)
  }

  private init(_ value: JSONValue, in source: [UInt8]) throws(TemplateFault) {
    switch value.kind {
    case .null: self = .fixed("null")
    case .bool(let flag): self = .fixed(flag ? "true" : "false")
    case .number(let text): self = .fixed(text)
    case .string(let text):
      do throws(TemplateFault) { self = .text(try PlaceholderText(text)) } catch {
        throw BodyTemplate.fault(error.message, at: value.offset, in: source)
      }
    case .array(let elements):
      self = .group(
        try elements.map { element throws(TemplateFault) in
          (nil, try BodyTemplate(element, in: source))
        }, isObject: false)
    case .object(let fields):
      self = .group(
        try fields.map { field throws(TemplateFault) in
          // Names of fields are the API's own; one that came from a row could overwrite another.
          guard !field.name.contains(where: { $0 == "{" || $0 == "}" }) else {
            throw BodyTemplate.fault(
              "the name \(field.name.quoted()) holds a brace; "
                + "placeholders belong in values only", at: field.offset, in: source)
          }
          return (field.name, try BodyTemplate(field.value, in: source))
        }, isObject: true)
    }
  }

  private static func fault(_ message: String, at offset: Int, in source: [UInt8]) -> TemplateFault
  {
    TemplateFault("\(TextPosition(offset: offset, in: source)) of the template: \(message)")
  }

  var placeholders: [Placeholder] {
    switch self {
    case .fixed: []
    case .text(let text): text.placeholders
    case .group(let members, _): members.flatMap(\.value.placeholders)
    }
  }

  /// Whether there is nothing to send for this row, so that the member or element is left out.
  ///
  /// A list or object is left out with the last thing in it; one that is empty in the template stays.
  func isAbsent(in row: RowContent) -> Bool {
    switch self {
    case .fixed: false
    case .text(let text): text.isAbsent(in: row)
    case .group(let members, _):
      !members.isEmpty && members.allSatisfy { $0.value.isAbsent(in: row) }
    }
  }
}

// Writing the body of one row.
extension BodyTemplate {
  func segments(for row: RowContent) -> [BodySegment] {
    var body = BodyWriter()
    write(row, to: &body)
    return body.segments
  }

  private func write(_ row: RowContent, to body: inout BodyWriter) {
    switch self {
    case .fixed(let json): body.write(json)
    case .text(let text): text.write(row, to: &body)
    case .group(let members, let isObject):
      body.write(isObject ? "{" : "[")
      let present = members.filter { !$0.value.isAbsent(in: row) }
      for (index, member) in present.enumerated() {
        if index > 0 { body.write(",") }
        if let name = member.name { body.write(JSONText.quoted(name) + ":") }
        member.value.write(row, to: &body)
      }
      body.write(isObject ? "}" : "]")
    }
  }
}

extension PlaceholderText {
  /// Writes the text as a JSON string.
  fileprivate func write(_ row: RowContent, to body: inout BodyWriter) {
    body.write("\"")
    for part in parts {
      switch part {
      case .literal(let literal): body.write(escaping: literal)
      case .placeholder(.secret(let name)): body.write(.secret(name))
      case .placeholder(.image(let side, let form)) where form != .mediaType:
        if form == .dataURI { body.write("data:\(row.mediaType(side));base64,") }
        if let image = row.images[side] { body.write(.image(image)) }
      case .placeholder(let placeholder): body.write(escaping: row.text(placeholder) ?? "")
      }
    }
    body.write("\"")
  }
}
