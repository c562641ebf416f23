import IntakeCore

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
