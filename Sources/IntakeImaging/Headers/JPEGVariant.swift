import IntakeCore

/// The variants of JPEG that are read: baseline, extended and progressive, Huffman, 8 bits.
enum JPEGVariant {
  /// Refuses the others, by name.
  static func require(marker: UInt8, depth: Int, components: Int) throws(StageFailure) {
    if let name = refused(marker) {
      throw StageFailure(.unsupportedVariant, "the JPEG is \(name)")
    }
    guard depth == 8 else {
      throw StageFailure(.unsupportedVariant, "the JPEG has \(depth) bits per component, not 8")
    }
    guard [1, 3, 4].contains(components) else {
      throw StageFailure(
        .unsupportedVariant, "the JPEG has \(components) components, not 1, 3 or 4")
    }
  }

  private static func refused(_ marker: UInt8) -> String? {
    switch marker {
    case 0xC0, 0xC1, 0xC2: return nil
    case 0xC3: return "lossless"
    case 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF: return "arithmetic-coded"
    default: return "hierarchical"
    }
  }
}

/// The compressed data of a scan, which has no length field.
enum EntropyCodedData {
  /// The offset of the first marker from `start` on, the end of the file when there is none.
  ///
  /// Eight bytes a step: most of a photo is this data, and 0xFF is rare in it.
  static func end(in bytes: [UInt8], from start: Int) -> Int {
    bytes.withUnsafeBytes { data in
      var offset = start
      while offset + 1 < data.count {
        if offset + 8 < data.count {
          let word = ~data.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
          let hasMarker = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
          if hasMarker == 0 {
            offset += 8
            continue
          }
          offset += UInt64(littleEndian: hasMarker).trailingZeroBitCount / 8
        }
        if data[offset] == 0xFF, isMarker(data[offset + 1]) { return offset }
        offset += 1
      }
      return data.count
    }
  }

  /// 0x00 stands for the byte 0xFF itself, 0xFF is padding, and restarts belong to the data.
  private static func isMarker(_ code: UInt8) -> Bool {
    code != 0 && code != 0xFF && !(0xD0...0xD7).contains(code)
  }
}
