/// The compressed data of a scan, which has no length field.
enum EntropyCodedData {
  /// The offset of the first marker from `start` on, the end of the file when there is none.
  static func end(in bytes: [UInt8], from start: Int) -> Int {
    bytes.withUnsafeBytes { next(in: $0, from: start, where: isMarker) }
  }

  /// The data without what a decoder passes over after the last block: restart markers and padding.
  ///
  /// Between two restarts stands at least a byte, so where two adjoin the picture has ended.
  static func trimmed(_ data: Range<Int>, in bytes: [UInt8]) -> Range<Int> {
    bytes.withUnsafeBytes { file in
      let file = UnsafeRawBufferPointer(rebasing: file[..<data.upperBound])
      var end = data.upperBound
      var offset = data.lowerBound
      while offset < end {
        let restart = next(in: file, from: offset, where: isRestart)
        offset = restart + 2
        while offset < end, file[offset] == 0xFF { offset += 1 }
        guard offset < end else {
          end = min(end, restart)
          break
        }
        if offset > restart + 2, isRestart(file[offset]) { end = restart }
      }
      while end > data.lowerBound, file[end - 1] == 0xFF { end -= 1 }
      return data.lowerBound..<end
    }
  }

  /// The first 0xFF whose next byte is of the kind that is looked for; the end of the data when there is none.
  ///
  /// Eight bytes a step: most of a photo is this data, and 0xFF is rare in it.
  private static func next(
    in data: UnsafeRawBufferPointer, from start: Int, where isWanted: (UInt8) -> Bool
  ) -> Int {
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
      if data[offset] == 0xFF, isWanted(data[offset + 1]) { return offset }
      offset += 1
    }
    return data.count
  }

  /// 0x00 stands for the byte 0xFF itself, 0xFF is padding, and restarts belong to the data.
  private static func isMarker(_ code: UInt8) -> Bool {
    code != 0 && code != 0xFF && !isRestart(code)
  }

  private static func isRestart(_ code: UInt8) -> Bool { (0xD0...0xD7).contains(code) }
}
