/// The tables of a JPEG on their way into a copy: each scan gets the latest of those that some scan uses.
///
/// Tables nobody uses, or that are replaced before a scan, could hold any bytes: they stay behind.
struct CodingTables {
  private let quantizers: Set<UInt8>
  private let codes: Set<UInt8>
  private var pending: [Definition] = []

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
    default: number = 0
    }
    pending.removeAll { $0.marker == marker && $0.name == number }
    pending.append(Definition(marker: marker, name: number, content: content))
  }

  /// The segments to write before the next scan.
  mutating func takeDefinitions() -> [UInt8] {
    defer { pending = [] }
    return pending.flatMap { definition in
      let length = definition.content.count + 2
      return [0xFF, definition.marker, UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)]
        + definition.content
    }
  }
}
