import IntakeCore

/// One message from a program: a line of JSON, and how many bytes follow it.
struct ProtocolMessage {
  /// The version of the protocol that is spoken here.
  static let version = 1
  /// The longest line that is read; a message holds no image, so it is short.
  static let lineLimit = 64 << 10
  /// What a program may say; other kinds are ignored, so that later versions can add some.
  static let programKinds: Set<String> = ["ready", "result", "pass", "reject"]

  let json: JSONValue
  let kind: String
  let id: String?

  init(line: [UInt8]) throws(ProgramFault) {
    do throws(JSONParser.Failure) {
      json = try JSONParser.parse(line)
    } catch {
      throw .violated("a line that isn't JSON: \(error.message)")
    }
    guard let kind = json["kind"]?.string else {
      throw .violated("a message without a \"kind\"")
    }
    self.kind = kind
    id = json["id"]?.string
  }

  /// Every `bytes` field, at any depth, with the place of its object, in the order in which the bytes follow.
  func announced(limit: Int) throws(ProgramFault) -> [(owner: Int, count: Int)] {
    var found: [(owner: Int, count: Int)] = []
    var total = 0
    try ProtocolMessage.collect(json, into: &found)
    for part in found {
      guard part.count <= limit - total else {
        throw .violated("an answer of more than \(limit) bytes (max-bytes)")
      }
      total += part.count
    }
    return found
  }

  private static func collect(_ value: JSONValue, into found: inout [(owner: Int, count: Int)])
    throws(ProgramFault)
  {
    for field in value.fields ?? [] {
      if field.name == "bytes" {
        guard let count = field.value.integer, count >= 0 else {
          throw .violated("\"bytes\" that isn't a whole number of 0 or more")
        }
        found.append((value.offset, count))
      } else {
        try collect(field.value, into: &found)
      }
    }
    for element in value.elements ?? [] { try collect(element, into: &found) }
  }

  /// A message as it is sent.
  static func line(_ fields: JSONFields) -> [UInt8] {
    Array(JSONOutput(fields: fields).text.utf8) + [0x0A]
  }
}
