import IntakeCore

/// The entry of a stage in a plan as JSON Schema (draft 2020-12), for editors and for checks before a run.
///
/// What the stage says about itself stands beside the keywords; a validator takes those fields for notes.
struct StageSchema {
  private let entry: StageEntry

  init(_ entry: StageEntry) { self.entry = entry }

  var json: JSONOutput {
    guard case .object(let facts) = entry.json else { return entry.json }
    let options = entry.descriptor.options
    return .object(
      [
        ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
        ("title", .string(entry.descriptor.name)),
        ("description", .string(entry.descriptor.summary)), ("type", .string("object")),
        (
          "properties",
          .object([("stage", StageSchema.name(entry))] + options.map { ($0.name, $0.schema) })
        ),
        ("additionalProperties", .bool(false)),
      ] + facts)
  }

  /// Not required, so that the options alone are valid, too.
  private static func name(_ entry: StageEntry) -> JSONOutput {
    .object([
      ("const", .string(entry.descriptor.name)), ("description", .string("the stage's name")),
    ])
  }
}

extension OptionDescriptor {
  /// What values the option takes, as JSON Schema.
  fileprivate var schema: JSONOutput {
    var fields = kind.schema
    if let defaultValue { fields.append(("default", defaultValue.json)) }
    fields.append(("description", .string(help + (unit.map { " (\($0))" } ?? ""))))
    return .object(fields)
  }
}

extension OptionKind {
  /// The keywords for its values.
  var schema: [(String, JSONOutput)] {
    switch self {
    case .integer(let range):
      return [
        ("type", .string("integer")), ("minimum", .integer(range.lowerBound)),
        ("maximum", .integer(range.upperBound)),
      ]
    case .number(let range):
      return [
        ("type", .string("number")), ("minimum", .decimal(range.lowerBound)),
        ("maximum", .decimal(range.upperBound)),
      ]
    case .choice(let words):
      return [("type", .string("string")), ("enum", .array(words.map { .string($0) }))]
    case .text: return [("type", .string("string"))]
    case .flag: return [("type", .string("boolean"))]
    case .list: return [("type", .string("array")), ("items", OptionKind.scalar)]
    case .table: return [("type", .string("object")), ("additionalProperties", OptionKind.scalar)]
    }
  }

  /// Numbers and flags are taken for their texts.
  private static let scalar = JSONOutput.object([
    ("type", .array(["string", "number", "boolean"].map { .string($0) }))
  ])
}
