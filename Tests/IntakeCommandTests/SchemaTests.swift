import IntakeCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// `stages show NAME --json` is a JSON Schema that agrees with what plans accept.
@Suite(.timeLimit(.minutes(20)))
struct SchemaTests {
  private static let keywords: Set = [
    "const", "type", "items", "additionalProperties", "enum", "minimum", "maximum", "default",
    "description",
  ]

  private let folder = TemporaryFolder()

  private func names() async throws -> [String] {
    let list = try await Program(folder: folder).run("stages", "list", "--json")
    return try #require(list.rows.first?.elements).compactMap { $0["name"]?.string }
  }

  private func schema(_ name: String) async throws -> JSONValue {
    try #require(await Program(folder: folder).run("stages", "show", name, "--json").rows.first)
  }

  @Test func everyStageHasASchemaOfItsOptions() async throws {
    for name in try await names() {
      let schema = try await schema(name)
      #expect(schema["$schema"]?.string == "https://json-schema.org/draft/2020-12/schema")
      #expect(schema["type"]?.string == "object")
      #expect(schema["additionalProperties"]?.bool == false)
      let properties = try #require(schema["properties"]?.fields)
      #expect(properties.first?.name == "stage")
      #expect(properties.count == (schema["options"]?.elements?.count ?? 0) + 1)
      for property in properties {
        let used = Set(property.value.fields?.map(\.name) ?? [])
        #expect(used.isSubset(of: Self.keywords), "\(name).\(property.name): \(used)")
        #expect(property.value["description"]?.string?.isEmpty == false)
      }
    }
  }

  /// Python's `jsonschema` knows nothing of this program: it takes every schema, every stage's own example,
  /// and none of the mistakes.
  @Test(.enabled(if: hasValidator, "python3 with jsonschema is not there"))
  func anotherProgramValidatesWithThem() async throws {
    var lines: [String] = []
    for name in try await names() {
      let result = try await Program(folder: folder).run("stages", "show", name, "--json")
      lines.append(result.output.trimmingSuffix("\n"))
    }
    let schemas = folder.write("schemas.jsonl", lines.joined(separator: "\n"))
    let script = folder.write(
      "validate.py",
      """
      import json, sys
      from jsonschema import Draft202012Validator as Validator
      for line in open(sys.argv[1]):
          schema = json.loads(line)
          Validator.check_schema(schema)
          validator, name = Validator(schema), schema["name"]
          validator.validate(json.loads(schema["example"]))
          validator.validate({})
          for option in schema["properties"].values():
              if "default" in option: Validator(option).validate(option["default"])
          for bad in [[], {"no-such-option": 1}, {"stage": name + "x"}]:
              assert not validator.is_valid(bad), (name, bad)
          for key, option in schema["properties"].items():
              bad = [None]
              if "minimum" in option: bad += [option["minimum"] - 1, option["maximum"] + 1, "many"]
              if "enum" in option: bad += ["none of them", 3]
              for value in bad: assert not validator.is_valid({key: value}), (name, key, value)
          print(name)
      """)
    var program = Program(folder: folder)
    program.executable = "/usr/bin/env"
    program.environment = ["PATH": Self.path]
    let result = try await program.run("python3", script, schemas)
    #expect(result.code == 0, "\(result.errors.suffix(800))")
    #expect(result.output.split(separator: "\n").map(String.init) == (try await names()))
  }

  private static var path: String { getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin" }

  private static let hasValidator: Bool = {
    var program = Program(folder: TemporaryFolder())
    program.executable = "/usr/bin/env"
    program.environment = ["PATH": path]
    return (try? program.run("python3", "-c", "import jsonschema"))?.code == 0
  }()
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
