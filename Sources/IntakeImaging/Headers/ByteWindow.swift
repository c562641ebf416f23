import IntakeCore

/// A part of a file, safe to read at any offset.
struct ByteWindow {
  private let bytes: [UInt8]
  private let range: Range<Int>
  /// Whether numbers have their high byte first.
  var isBigEndian = true

  init(_ bytes: [UInt8], _ range: Range<Int>? = nil) {
    self.bytes = bytes
    self.range = (range ?? bytes.indices).clamped(to: bytes.indices)
  }

  var count: Int { range.count }

  subscript(offset: Int) -> UInt8? {
    offset >= 0 && offset < range.count ? bytes[range.lowerBound + offset] : nil
  }

  /// The number of `width` bytes at an offset, nil if it would reach beyond the end.
  func number(at offset: Int, width: Int) -> Int? {
    guard offset >= 0, offset <= range.count - width else { return nil }
    var value = 0
    for index in 0..<width {
      let place = isBigEndian ? index : width - 1 - index
      value = value << 8 | Int(bytes[range.lowerBound + offset + place])
    }
    return value
  }

  /// Whether the text stands at an offset.
  func has(_ text: StaticString, at offset: Int = 0) -> Bool {
    text.withUTF8Buffer { expected in
      guard offset >= 0, offset <= range.count - expected.count else { return false }
      return bytes[(range.lowerBound + offset)...].starts(with: expected)
    }
  }

  /// The bytes from an offset on, at most `limit`.
  func slice(from offset: Int, limit: Int = .max) -> [UInt8] {
    guard offset >= 0, offset < range.count else { return [] }
    return Array(bytes[(range.lowerBound + offset)..<range.upperBound].prefix(limit))
  }
}

/// Orientation and density from an EXIF block (TIFF 6.0, first directory only).
struct TIFFBlock {
  var orientation: Orientation?
  var density: Double?

  /// Reads the block, nil if it isn't one; entries that point outside it are ignored.
  init?(_ block: ByteWindow) {
    var block = block
    switch block.number(at: 0, width: 4) {
    case 0x4949_2A00: block.isBigEndian = false
    case 0x4D4D_002A: block.isBigEndian = true
    default: return nil
    }
    guard let directory = block.number(at: 4, width: 4),
      let count = block.number(at: directory, width: 2)
    else { return nil }
    var resolution: Double?
    var unit = 2
    for index in 0..<count {
      let entry = directory + 2 + 12 * index
      guard let tag = block.number(at: entry, width: 2) else { break }
      switch tag {
      case 0x0112:
        orientation =
          orientation ?? block.integer(ofEntry: entry).flatMap(Orientation.init(rawValue:))
      case 0x011A: resolution = block.rational(ofEntry: entry)
      case 0x0128: unit = block.integer(ofEntry: entry) ?? 2
      default: break
      }
    }
    // Unit 3 is the centimetre, 2 the inch, 1 none at all.
    density = unit == 1 ? nil : resolution.map { unit == 3 ? $0 * 2.54 : $0 }
  }
}

extension ByteWindow {
  /// The first value of a SHORT or LONG entry.
  fileprivate func integer(ofEntry entry: Int) -> Int? {
    switch number(at: entry + 2, width: 2) {
    case 3: return number(at: entry + 8, width: 2)
    case 4: return number(at: entry + 8, width: 4)
    default: return nil
    }
  }

  /// The value of a RATIONAL entry, if it is a sensible density.
  fileprivate func rational(ofEntry entry: Int) -> Double? {
    guard number(at: entry + 2, width: 2) == 5, let place = number(at: entry + 8, width: 4),
      let above = number(at: place, width: 4), let below = number(at: place + 4, width: 4),
      below > 0
    else { return nil }
    let value = Double(above) / Double(below)
    return (2...20_000).contains(value) ? value : nil
  }
}
