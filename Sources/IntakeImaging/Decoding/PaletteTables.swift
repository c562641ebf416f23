import CImaging

/// A palette as three tables of 256, its transparency already laid over white.
struct PaletteTables {
  private(set) var luma = [UInt8](repeating: 0, count: 256)
  private(set) var blue = [UInt8](repeating: 128, count: 256)
  private(set) var red = [UInt8](repeating: 128, count: 256)
  /// Whether no entry has a colour.
  let isGray: Bool

  /// Takes PLTE (RGB triples) and tRNS (alpha per entry, opaque where it ends); missing entries are black.
  init(palette: ArraySlice<UInt8>, transparency: ArraySlice<UInt8>) {
    var entries = [UInt8](repeating: 0, count: 1024)
    for index in 0..<256 { entries[4 * index + 3] = 255 }
    for (offset, value) in palette.prefix(768).enumerated() {
      entries[offset / 3 * 4 + offset % 3] = value
    }
    for (index, alpha) in transparency.prefix(256).enumerated() { entries[4 * index + 3] = alpha }
    imaging_split_rgb(entries, 4, 256, &luma, &blue, &red)
    isGray = blue.allSatisfy { $0 == 128 } && red.allSatisfy { $0 == 128 }
  }
}
