import IntakeCore

/// One thing that can go wrong on purpose; grammar, help and execution all come from the table of these.
struct FaultEffect: Sendable {
  /// When an effect acts, with its heading in the help; of each phase, only the first fault acts on a request.
  enum Phase: String, CaseIterable {
    /// Only number, connection and path of the request are known.
    case opening = "Before the body is read"
    case timing = "In time (these add up)"
    case verdict = "A made-up decision (not carried out, unless :accepted)"
    case content = "Carried out, with a spoiled answer"
    case wire = "On the wire"
  }

  /// Changes the exchange, or ends it and returns what follows.
  typealias Action = @Sendable (inout APIExchange, Fault) throws -> AfterAnswer?

  var phase = Phase.opening
  let name: String
  let summary: String
  /// What it takes; the first may be given as `name=value` right after the effect's own name.
  let parameters: [FaultParameter]
  /// What must hold besides the conditions of the fault.
  var conditions: [FaultCondition] = []
  /// Whether the request is carried out even without `accepted`.
  var carriesOut = true
  /// Whether the client gets an answer with a status.
  var answers = true
  let act: Action

  /// The effect of that name, and the HTTP status in a name such as `429` or `413-early`.
  static func named(_ text: String) throws(SandboxError) -> (FaultEffect, code: Int?) {
    if let effect = all.first(where: { $0.name == text && text != "CODE" }) { return (effect, nil) }
    let isEarly = text.hasSuffix("-early")
    let digits = isEarly ? text.dropLast("-early".count) : text[...]
    guard digits.utf8.count == 3, let code = Int(digits),
      let effect = all.first(where: { $0.name == (isEarly ? "early" : "CODE") })
    else {
      let known = all.map(\.name) + ["413-early"]
      throw SandboxError("there is no effect \(text.quoted(known: known))")
    }
    guard (200...599).contains(code) else {
      throw SandboxError("an HTTP status is a number from 200 to 599")
    }
    return (effect, code)
  }

  /// The name and what it does, then the parameters with their defaults, at most 90 columns wide.
  fileprivate var help: String {
    let margin = String(repeating: " ", count: 22)
    let text = summary.wrapped(to: 68).joined(separator: "\n" + margin)
    let parameters = parameters.map(\.form).joined(separator: " ")
    return "  " + name.padded(to: 20) + text
      + (parameters.isEmpty ? "" : "\n" + margin + parameters)
      + "\n"
  }
}

extension Sandbox {
  /// What `--fault` can begin with.
  package static var faultNames: [String] { FaultEffect.all.map(\.name) }

  /// The grammar of `--fault`, for `sandbox --help`.
  package static var faultGrammar: String {
    let sections = FaultEffect.Phase.allCases.map { phase in
      "\n\(phase.rawValue):\n"
        + FaultEffect.all.filter { $0.phase == phase }.map(\.help).joined()
    }
    return String(decoding: PackageResources.faults_txt, as: UTF8.self) + sections.joined()
  }
}

/// JSON answers whose form stays and whose values are spoiled.
extension Answer {
  /// Changes the members of an object; what isn't a JSON object stays as it is.
  mutating func changeMembers(_ change: ([(String, JSONOutput)]) -> [(String, JSONOutput)]) {
    guard let fields = (try? JSONParser.parse(body))?.fields else { return }
    let members = change(fields.map { ($0.name, JSONOutput($0.value)) })
    body = Array(JSONOutput.object(members).text.utf8)
  }

  /// Changes the texts of those names, and the status inside `target`, where updateStatus has it.
  mutating func changeTexts(_ names: [String], _ change: (String) -> String) {
    func changed(_ members: [(String, JSONOutput)], _ names: [String]) -> [(String, JSONOutput)] {
      members.map { name, value in
        switch value {
        case .string(let text) where names.contains(name): return (name, .string(change(text)))
        case .object(let inner) where name == "target":
          return (name, .object(changed(inner, ["status"])))
        default: return (name, value)
        }
      }
    }
    changeMembers { changed($0, names) }
  }

  /// Moves the status from the top level into `target`, or from there to the top level.
  mutating func moveStatus() {
    changeMembers { members in
      guard let place = members.firstIndex(where: { $0.0 == "target" }),
        case .object(var target) = members[place].1
      else { return members }
      var result = members
      if let top = members.firstIndex(where: { $0.0 == "status" }) {
        target.append(members[top])
        result[place].1 = .object(target)
        result.remove(at: top)
      } else if let inside = target.firstIndex(where: { $0.0 == "status" }) {
        result.append(target.remove(at: inside))
        result[place].1 = .object(target)
      }
      return result
    }
  }

  /// Puts raw members in front of an object's own; a body that isn't an object becomes one.
  mutating func insert(_ members: String) {
    let isObject = body.first == UInt8(ascii: "{") && body.count > 2
    body = isObject ? Array("{\(members),".utf8) + body.dropFirst() : Array("{\(members)}".utf8)
  }
}

/// Bytes that go out in place of an answer's.
extension Answer {
  /// An answer in chunks: one or two halves of the body, and what ends it.
  func chunked(halves: Int, end: String) -> [UInt8] {
    let middle = body.count / 2
    let chunks = [body[..<middle], body[middle...]].prefix(halves).filter { !$0.isEmpty }
    return head(keepsAlive: true, framing: [HTTPField("Transfer-Encoding", "chunked")])
      + chunks.flatMap { Array("\(String($0.count, radix: 16))\r\n".utf8) + $0 + [0x0D, 0x0A] }
      + end.utf8
  }

  /// An unfinished gzip file (RFC 1952) of zeros, packed some 160 : 1; a streaming client has unpacked them by the end.
  static func gzipBomb(unpackingTo size: Int) -> [UInt8] {
    // One block with fixed codes (RFC 1951 §3.2.6): a zero, then "258 bytes from distance 1" eight times in 13 bytes.
    let start: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 0x63]
    let cycle: [UInt8] = [
      0x18, 0x05, 0xA3, 0x60, 0x14, 0x8C, 0x82, 0x51, 0x30, 0x0A, 0x46, 0xC1, 0x28,
    ]
    // Zeros complete the last of them and end the block.
    return start + (0...size / (8 * 258)).flatMap { _ in cycle } + [0, 0]
  }
}
