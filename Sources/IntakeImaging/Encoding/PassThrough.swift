import IntakeCore

/// Copies a JPEG without its metadata: the same pixels bit for bit, nothing personal beside them.
enum PassThrough {
  /// The file with what decoding needs, or nil when its pixels have to change; whether it is whole, its codes must tell.
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

  /// Builds another file: application segments are written by this code, never copied, and of the tables only
  /// those that a scan uses.
  ///
  /// - Returns: nil when a scan needs Huffman tables that never came, as in frames of a Motion JPEG: not every program
  ///   knows which are meant.
  private static func stripped(_ structure: JPEGStructure, profile: [UInt8]?) -> [UInt8]? {
    var out: [UInt8] = [0xFF, 0xD8]
    out.reserveCapacity(structure.bytes.count)
    if let header = structure.jfif { out += jfif(header) }
    if let profile { out += segment(0xE2, Array("ICC_PROFILE\0".utf8) + [1, 1] + profile) }
    if let transform = structure.adobeTransform { out += adobe(transform) }
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

  /// As it came; that of a sequential scan ends in 0, 63, 0, whatever the writer put there.
  private static func scanHeader(_ segment: JPEGStructure.Segment, of structure: JPEGStructure)
    -> [UInt8]
  {
    let header = structure.bytes[segment.extent.lowerBound..<segment.payload.upperBound]
    return structure.frame?.marker == 0xC2 ? Array(header) : header.dropLast(3) + [0, 63, 0]
  }

  /// Unit and density are kept; the version is 1.01 and there is no thumbnail.
  private static func jfif(_ header: ByteWindow) -> [UInt8] {
    segment(0xE0, Array("JFIF\0".utf8) + [1, 1] + header.slice(from: 7, limit: 5) + [0, 0])
  }

  /// Adobe's segment of version 100, which says nothing but the colour transform.
  private static func adobe(_ transform: UInt8) -> [UInt8] {
    segment(0xEE, Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, min(transform, 1)])
  }

  /// A marker segment with its length, which counts its own two bytes.
  fileprivate static func segment(_ marker: UInt8, _ payload: some Collection<UInt8>) -> [UInt8] {
    let length = payload.count + 2
    return [0xFF, marker, UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)] + payload
  }
}

extension JPEGStructure {
  /// The first JFIF header that libjpeg would take for one: of at least 14 bytes, before the first scan.
  fileprivate var jfif: ByteWindow? {
    application(0xE0, "JFIF\0").filter { $0.count >= 14 }.first
  }

  /// The colour transform of Adobe's last segment before the first scan; of several, libjpeg follows the last.
  fileprivate var adobeTransform: UInt8? {
    application(0xEE, "Adobe").filter { $0.count >= 12 }.last?[11]
  }

  private func application(_ marker: UInt8, _ name: StaticString) -> [ByteWindow] {
    headerSegments.filter { $0.marker == marker }
      .map { ByteWindow(bytes, $0.payload) }.filter { $0.has(name) }
  }
}

/// The tables of a JPEG on their way into a copy: each scan gets the latest of those that some scan uses.
///
/// Tables nobody uses, or that are replaced before a scan, could hold any bytes: they stay behind.
struct CodingTables {
  private let quantizers: Set<UInt8>
  private let codes: Set<UInt8>
  private var pending: [Definition] = []
  /// The Huffman tables that came, by class and number.
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

  /// Takes a DQT, DHT or DRI segment apart; what is cut short is left for the decoder to refuse.
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

  /// Whether a table came for each component of a scan; a progressive one needs that of one class alone.
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
