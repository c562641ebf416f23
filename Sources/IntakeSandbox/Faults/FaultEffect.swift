import IntakeCore

/// One thing that can go wrong on purpose; the grammar, the help and the execution follow from the table of these.
struct FaultEffect: Sendable {
  let name: String
  let summary: String
  /// What it takes; the first may be given as `name=value` right after the effect's own name.
  let parameters: [FaultParameter]
  /// What must hold besides the conditions that are given.
  let conditions: [FaultCondition]
  /// What it does, in the phase of the exchange in which it acts; at most one of a phase acts on a request.
  let action: Action

  init(
    _ name: String, _ summary: String, takes parameters: [FaultParameter] = [],
    on conditions: [FaultCondition] = [], _ action: Action
  ) {
    (self.name, self.summary, self.parameters) = (name, summary, parameters)
    (self.conditions, self.action) = (conditions, action)
  }

  typealias Open = @Sendable (APIExchange, Fault) throws -> Opening
  typealias Decide = @Sendable (Fault, any VendorAPI, PreparedCall) -> Answer
  typealias Spoil = @Sendable (Answer, Fault) -> Answer
  typealias Write = @Sendable (AnswerWriter, Answer, Fault) throws -> AfterAnswer

  enum Action: Sendable {
    /// Before the body is read; only number, connection and path of the request are known then.
    case opening(Open)
    /// In time: adds the first parameter's value to a delay.
    case timing(@Sendable (inout FaultSelection, Int) -> Void)
    /// A made-up decision in place of the vendor's; the request isn't carried out unless `accepted` is given.
    case verdict(Decide)
    /// A request that is carried out, and an answer whose content isn't what was documented.
    case content(Spoil)
    case wire(Wire)
  }

  enum Opening {
    case done(AfterAnswer)
    /// The body is read, at a pace where one is given, after `100 Continue` where the client waits for it.
    case reading(sendsContinue: Bool = true, pacing: Pacing? = nil)
  }

  struct Wire: Sendable {
    /// The request is carried out first; otherwise only with `accepted`.
    var isCarriedOut = true
    var isAnswered = true
    let write: Write
  }

  /// The effect of that name, and its HTTP status where the name is one: `429`, `413-early`.
  static func named(_ name: String) throws(SandboxError) -> (FaultEffect, code: Int?) {
    let all = phases.flatMap(\.effects)
    if let effect = all.first(where: { $0.name == name && $0.name != status.name }) {
      return (effect, nil)
    }
    let isEarly = name.hasSuffix("-early")
    let digits = isEarly ? name.dropLast("-early".count) : name[...]
    if let code = Int(digits), digits.utf8.count == 3 {
      guard (200...599).contains(code) else {
        throw SandboxError("an HTTP status is a number from 200 to 599")
      }
      return (isEarly ? early : status, code)
    }
    let known = all.map(\.name) + ["413-early"]
    throw SandboxError("there is no effect \(name.quoted(known: known))")
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
  public static var faultNames: [String] { FaultEffect.phases.flatMap(\.effects).map(\.name) }

  /// The grammar of `--fault`, for `sandbox --help`.
  public static var faultGrammar: String {
    let sections = FaultEffect.phases.map { title, effects in
      "\n\(title):\n" + effects.map(\.help).joined()
    }
    return String(decoding: PackageResources.faults_txt, as: UTF8.self) + sections.joined()
  }
}

/// JSON answers whose form stays and whose values are spoiled.
enum SpoiledJSON {
  typealias Members = [(String, JSONOutput)]

  /// Rewrites the members of an object; what isn't a JSON object stays as it is.
  static func rewriting(_ body: [UInt8], _ change: (Members) -> Members) -> [UInt8] {
    guard let fields = (try? JSONParser.parse(body))?.fields else { return body }
    let members = change(fields.map { ($0.name, JSONOutput($0.value)) })
    return Array(JSONOutput.object(members).text.utf8)
  }

  /// Changes the texts of those names, and the status inside `target`, where updateStatus has it.
  static func changingStatus(
    _ members: Members, _ names: [String], _ change: (String) -> String
  ) -> Members {
    members.map { name, value in
      switch value {
      case .string(let text) where names.contains(name): return (name, .string(change(text)))
      case .object(let target) where name == "target":
        return (name, .object(changingStatus(target, ["status"], change)))
      default: return (name, value)
      }
    }
  }

  /// Moves the status from the top level into `target`, or from there to the top level.
  static func movingStatus(_ members: Members) -> Members {
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

  /// Puts raw members in front of an object's own; a body that isn't an object becomes one.
  static func inserting(_ members: String, into body: [UInt8]) -> [UInt8] {
    guard body.first == UInt8(ascii: "{"), body.count > 2 else { return Array("{\(members)}".utf8) }
    return Array("{\(members),".utf8) + body.dropFirst()
  }
}

/// A gzip file (RFC 1952) of zeros, packed some 160 : 1 into one block with fixed codes (RFC 1951 §3.2.6).
enum GzipBomb {
  static func bytes(unpackingTo size: Int) -> [UInt8] {
    var bits = BitWriter(bytes: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
    bits.append(0b011, 3)  // the last block, fixed codes
    bits.append(0b0000_1100, 8)  // the literal 0: code 00110000, written from its first bit on
    for _ in 0..<(size / 258 + 1) {
      bits.append(0b1010_0011, 8)  // length 258: code 11000101
      bits.append(0, 5)  // distance 1
    }
    bits.append(0, 14)  // end of block, and what fills up the last byte
    // Neither checksum nor length: who unpacks as it comes has the zeros by then.
    return bits.bytes
  }

  /// Packs bits from the lowest upwards.
  private struct BitWriter {
    var bytes: [UInt8]
    var pending: UInt32 = 0
    var count: UInt32 = 0

    mutating func append(_ bits: UInt32, _ width: UInt32) {
      pending |= bits << count
      count += width
      while count >= 8 {
        bytes.append(UInt8(truncatingIfNeeded: pending))
        pending >>= 8
        count -= 8
      }
    }
  }
}
