/// The luma quantisation table of a JPEG, read to know the quality it was saved with.
enum QuantizationTable {
  /// Annex K.1 of the JPEG standard in the order of the file: the table that the IJG scale multiplies.
  private static let standard = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
    26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
  ]

  /// The quality of a table in a DQT segment, nil when the segment holds other tables only; the last one counts.
  static func quality(in segment: ByteWindow, table: UInt8) -> Int? {
    var offset = 0
    var found: Int?
    while let kind = segment[offset] {
      let width = kind >> 4 == 0 ? 1 : 2
      if kind & 15 == table { found = quality(of: segment, at: offset + 1, width: width) ?? found }
      offset += 1 + 64 * width
    }
    return found
  }

  private static func quality(of segment: ByteWindow, at offset: Int, width: Int) -> Int? {
    var found = 0
    var expected = 0
    for index in 0..<64 {
      guard let value = segment.number(at: offset + index * width, width: width) else { return nil }
      // Values at the ends of the range have been clipped and tell nothing about the scale.
      guard value > 1, value < 255 else { continue }
      found += value
      expected += standard[index]
    }
    guard expected > 0 else { return 100 }
    let scale = 100 * Double(found) / Double(expected)
    let quality = scale <= 100 ? (200 - scale) / 2 : 5000 / scale
    return min(100, max(1, Int(quality.rounded())))
  }
}
