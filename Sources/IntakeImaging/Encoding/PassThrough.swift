import IntakeCore

/// Copies a JPEG without its metadata: the same pixels bit for bit, and nothing personal.
enum PassThrough {
  /// The file with only what decoding needs, nil if its pixels have to change; whether it is whole isn't checked.
  ///
  /// - Throws: `StageFailure` when its markers are damaged.
  static func copy(
    _ bytes: [UInt8], header: ImageHeader, edge: Int, budget: Int, profile: [UInt8]?,
    limits: ImageLimits
  ) throws(StageFailure) -> [UInt8]? {
    guard header.format == .jpeg, header.orientation == .upright, header.components != 4,
      header.size.longerSide <= edge
    else { return nil }
    let structure = try JPEGStructure(bytes, limits: limits)
    guard let clean = stripped(structure, profile: profile) else { return nil }
    return clean.count <= budget ? clean : nil
  }

  /// A new file: application segments are never copied but written anew, and tables only if a scan uses them.
  ///
  /// - Returns: nil if a scan needs Huffman tables that the file leaves out, like frames of a Motion JPEG: not every
  ///   program knows which are meant.
  private static func stripped(_ structure: JPEGStructure, profile: [UInt8]?) -> [UInt8]? {
    var out: [UInt8] = [0xFF, 0xD8]
    out.reserveCapacity(structure.bytes.count)
    // Like libjpeg: the first JFIF header that is long enough, and the last one of Adobe's.
    if let header = structure.payloads(0xE0, "JFIF\0").first(where: { $0.count >= 9 }) {
      out += jfif(header)
    }
    if let profile { out += segment(0xE2, Array("ICC_PROFILE\0".utf8) + [1, 1] + profile) }
    if let transform = structure.payloads(0xEE, "Adobe").compactMap({ $0[6] }).last {
      out += adobe(transform)
    }
    var tables = CodingTables(usedIn: structure)
    for segment in structure.segments {
      let payload = structure.bytes[segment.payload]
      switch segment.marker {
      case 0xDB, 0xC4, 0xDD: tables.define(segment.marker, payload)
      case 0xC0...0xC2: out += structure.bytes[segment.extent]
      case 0xDA:
        out += tables.takeDefinitions()
        guard tables.haveAll(for: ByteWindow(structure.bytes, segment.payload)) else { return nil }
        out += scanHeader(segment, of: structure)
        let data = segment.payload.upperBound..<segment.extent.upperBound
        out += structure.bytes[EntropyCodedData.trimmed(data, in: structure.bytes)]
      default: break
      }
    }
    return out + [0xFF, 0xD9]
  }

  /// Unchanged, but that of a sequential scan always ends in 0, 63, 0.
  private static func scanHeader(_ segment: JPEGStructure.Segment, of structure: JPEGStructure)
    -> [UInt8]
  {
    let header = structure.bytes[segment.extent.lowerBound..<segment.payload.upperBound]
    return structure.frame?.marker == 0xC2 ? Array(header) : header.dropLast(3) + [0, 63, 0]
  }

  /// Version 1.01 with the file's unit and density, and without a thumbnail.
  private static func jfif(_ header: ByteWindow) -> [UInt8] {
    segment(0xE0, Array("JFIF\0".utf8) + [1, 1] + header.slice(from: 2, limit: 5) + [0, 0])
  }

  /// Adobe's segment of version 100, which only tells the colour transform.
  private static func adobe(_ transform: UInt8) -> [UInt8] {
    segment(0xEE, Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, min(transform, 1)])
  }

  /// A marker segment with its length, which counts its own two bytes.
  fileprivate static func segment(_ marker: UInt8, _ payload: some Collection<UInt8>) -> [UInt8] {
    let length = payload.count + 2
    return [0xFF, marker, UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)] + payload
  }
}

/// The tables of a JPEG that are copied: before each scan the latest of those that some scan uses.
///
/// Tables that are never used, or replaced before a scan, are left out: they could hold any bytes.
struct CodingTables {
  private let quantizers: Set<UInt8>
  private let codes: Set<UInt8>
  private var pending: [Definition] = []
  /// The Huffman tables so far, by class and number.
  private var defined: Set<UInt8> = []

  private struct Definition {
    let marker: UInt8
    /// Class and number of the table; 0 for the restart interval.
    let name: UInt8
    let content: ArraySlice<UInt8>
  }

  /// Notes what the frame and the scans refer to.
  init(usedIn structure: JPEGStructure) {
    var quantizers: Set<UInt8> = []
    var codes: Set<UInt8> = []
    for segment in structure.segments {
      let window = ByteWindow(structure.bytes, segment.payload)
      switch segment.marker {
      case 0xC0...0xC2:
        for index in 0..<Int(window[5] ?? 0) { quantizers.insert(window[8 + 3 * index] ?? 0) }
      case 0xDA:
        for index in 0..<Int(window[0] ?? 0) {
          let pair = window[2 + 2 * index] ?? 0
          codes.formUnion([pair >> 4, 0x10 | pair & 15])
        }
      default: break
      }
    }
    self.quantizers = quantizers
    self.codes = codes
  }

  /// Splits a DQT, DHT or DRI segment; one that is cut short is left for the decoder to refuse.
  mutating func define(_ marker: UInt8, _ payload: ArraySlice<UInt8>) {
    var rest = payload
    while let name = rest.first {
      let count: Int
      switch marker {
      case 0xDB: count = name >> 4 == 0 ? 65 : 129
      case 0xC4: count = 17 + rest.dropFirst().prefix(16).reduce(0) { $0 + Int($1) }
      default: count = rest.count
      }
      add(marker, name, rest.prefix(count))
      rest = rest.dropFirst(count)
    }
  }

  private mutating func add(_ marker: UInt8, _ name: UInt8, _ content: ArraySlice<UInt8>) {
    let number: UInt8
    switch marker {
    case 0xDB:
      number = name & 15
      guard quantizers.contains(number) else { return }
    case 0xC4:
      number = name
      guard codes.contains(number) else { return }
      defined.insert(number)
    default: number = 0
    }
    pending.removeAll { $0.marker == marker && $0.name == number }
    pending.append(Definition(marker: marker, name: number, content: content))
  }

  /// Whether each component of a scan has a table; a progressive scan needs only one class.
  func haveAll(for scan: ByteWindow) -> Bool {
    (0..<Int(scan[0] ?? 0)).allSatisfy { index in
      let pair = scan[2 + 2 * index] ?? 0
      return defined.contains(pair >> 4) || defined.contains(0x10 | pair & 15)
    }
  }

  /// The segments to write before the next scan.
  mutating func takeDefinitions() -> [UInt8] {
    defer { pending = [] }
    return pending.flatMap { PassThrough.segment($0.marker, $0.content) }
  }
}
