import IntakeCore

/// Rewrites a JSON answer field by field, for the faults that keep its form and spoil its values.
struct AnswerRewrite {
  private let effect: ContentEffect

  init(_ effect: ContentEffect) { self.effect = effect }

  /// The rewritten body; what is no JSON object stays as it is.
  func rewritten(_ body: [UInt8]) -> [UInt8] {
    guard let fields = (try? JSONParser.parse(body))?.fields else { return body }
    var result = fields.map { ($0.name, value($0)) }
    if effect == .extraFields {
      let stranger = JSONOutput.object([("since", .integer(2031)), ("list", .array([.null]))])
      result.append(("x_added", stranger))
    }
    if effect == .statusElsewhere { moveStatus(&result) }
    return Array(JSONOutput.object(result).text.utf8)
  }

  private func value(_ field: JSONField) -> JSONOutput {
    let plain = JSONOutput(field.value)
    let isStatus = field.name == "status" || field.name == "result"
    switch effect {
    case .nullFields: return .null
    case .wrongTypes:
      if case .string = plain { return .integer(7) }
      return .string("not what you expect")
    case .statusLowercase where isStatus: return .string((field.value.string ?? "").lowercased())
    case .statusUnknown where field.name == "status": return .string("ESCALATED")
    default:
      guard field.name == "target", let inside = field.value.fields else { return plain }
      return .object(inside.map { ($0.name, statusValue($0)) })
    }
  }

  /// The status inside `target`, as the answer of updateStatus has it.
  private func statusValue(_ field: JSONField) -> JSONOutput {
    guard field.name == "status" else { return JSONOutput(field.value) }
    switch effect {
    case .statusLowercase: return .string((field.value.string ?? "").lowercased())
    case .statusUnknown: return .string("ESCALATED")
    default: return JSONOutput(field.value)
    }
  }

  private func moveStatus(_ fields: inout [(String, JSONOutput)]) {
    guard let place = fields.firstIndex(where: { $0.0 == "target" }),
      case .object(var target) = fields[place].1
    else { return }
    let isTop = fields.firstIndex { $0.0 == "status" }
    if let isTop {
      target.append(fields[isTop])
      fields[place].1 = .object(target)
      fields.remove(at: isTop)
    } else if let inside = target.firstIndex(where: { $0.0 == "status" }) {
      fields.append(target.remove(at: inside))
      fields[place].1 = .object(target)
    }
  }
}

extension JSONOutput {
  /// The same value, to be written again; a number that is no integer becomes a text.
  init(_ value: JSONValue) {
    switch value.kind {
    case .null: self = .null
    case .bool(let flag): self = .bool(flag)
    case .number(let text): self = Int(text).map { .integer($0) } ?? .string(text)
    case .string(let text): self = .string(text)
    case .array(let elements): self = .array(elements.map { JSONOutput($0) })
    case .object(let fields): self = .object(fields.map { ($0.name, JSONOutput($0.value)) })
    }
  }
}
