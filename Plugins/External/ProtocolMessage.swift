import IntakeCore

/// One message from a program: a line of JSON, and the bytes that follow it.
struct ProtocolMessage {
  /// The version of the protocol that is spoken here.
  static let version = 1
  /// The longest line that is read; no message holds an image, so all are short.
  static let lineLimit = 64 << 10
  /// What a program may say; other kinds are ignored, so that later versions can add some.
  static let programKinds: Set<String> = ["ready", "result", "pass", "reject"]

  let json: JSONValue
  let kind: String
  let id: String?
  /// The bytes that follow, by the offset of the object that announced them.
  var parts: [Int: [UInt8]] = [:]

  init(line: [UInt8]) throws {
    do throws(JSONParser.Failure) {
      json = try JSONParser.parse(line)
    } catch {
      throw BrokenProtocol("a line that isn't JSON", words: error.message)
    }
    guard let kind = json["kind"]?.string else {
      throw BrokenProtocol("a message without a \"kind\"")
    }
    self.kind = kind
    id = json["id"]?.string
  }

  /// The bytes that an object of the message announced, nil when it announced none.
  func bytes(of object: JSONValue?) -> [UInt8]? { object.flatMap { parts[$0.offset] } }

  func image() throws -> [UInt8] {
    guard let bytes = bytes(of: json["image"]) else {
      throw StageFailure(.stageProtocol, "a result without an image")
    }
    return bytes
  }

  /// Every `bytes` field, at any depth, with the offset of its object, in the order of the bytes.
  func announced(limit: Int) throws -> [(owner: Int, count: Int)] {
    var found: [(owner: Int, count: Int)] = []
    var total = 0
    try ProtocolMessage.collect(json, into: &found)
    for part in found {
      guard part.count <= limit - total else {
        throw BrokenProtocol("an answer of more than \(limit) bytes (max-bytes)")
      }
      total += part.count
    }
    return found
  }

  private static func collect(
    _ value: JSONValue, into found: inout [(owner: Int, count: Int)]
  ) throws {
    for field in value.fields ?? [] {
      if field.name == "bytes" {
        guard let count = field.value.integer, count >= 0 else {
          throw BrokenProtocol("\"bytes\" that isn't a whole number of 0 or more")
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

/// A program broke the protocol; what it wrote, in words.
struct BrokenProtocol: Error {
  let what: String
  /// More about it, which may repeat what the program wrote.
  let words: String?

  init(_ what: String, words: String? = nil) { (self.what, self.words) = (what, words) }

  func text(_ mask: TextMask) -> String { what + (words.map { ": " + mask.masked($0) } ?? "") }
}
