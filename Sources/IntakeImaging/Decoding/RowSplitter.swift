import CImaging
import IntakeCore

/// Turns interleaved rows of any kind into luma and full-size chroma rows.
struct RowSplitter: ~Copyable {
  /// What a row consists of.
  enum Kind {
    case gray, rgb, ycc, cmyk
    /// With alpha, which is ignored if the picture is to be opaque.
    case grayAlpha(isOpaque: Bool)
    case rgba(isOpaque: Bool)
    /// Indices, and the luma and chroma of each entry.
    case palette(PaletteTables)

    init(_ samples: imaging_samples) {
      switch samples {
      case .IMAGING_PLANES: self = .gray
      case .IMAGING_YCC: self = .ycc
      case .IMAGING_RGB: self = .rgb
      case .IMAGING_CMYK_INVERTED: self = .cmyk
      }
    }

    /// Whether the rows have no colour at all.
    var isGray: Bool {
      switch self {
      case .gray, .grayAlpha: return true
      case .palette(let tables): return tables.isGray
      default: return false
      }
    }
  }

  private let kind: Kind
  private let width: Int32
  private let luma: RowBuffer<UInt8>
  private let blue: RowBuffer<UInt8>
  private let red: RowBuffer<UInt8>
  /// Pixels so far that show, counted until they are enough: 1 % of the picture.
  private var visible = 0
  private let enough: Int

  init(_ kind: Kind, size: PixelSize) {
    self.kind = kind
    width = Int32(size.width)
    luma = RowBuffer(width: size.width)
    blue = RowBuffer(width: size.width)
    red = RowBuffer(width: size.width)
    let hasAlpha =
      switch kind {
      case .grayAlpha(let isOpaque), .rgba(let isOpaque): !isOpaque
      case .palette(let tables): tables.hasTransparency
      default: false
      }
    enough = hasAlpha ? max(1, size.width * size.height / 100) : 0
  }

  /// How much of the rows so far shows.
  var visibility: Oddities.Visibility {
    visible >= enough ? .usual : visible > 0 ? .little : .nothing
  }

  /// Splits a row and passes its parts on.
  mutating func push(_ row: UnsafePointer<UInt8>, into builder: inout PictureBuilder) {
    if visible < enough { countVisible(row) }
    if case .gray = kind {
      builder.pushLuma(row)
      return
    }
    split(row)
    builder.pushLuma(UnsafePointer(luma.samples))
    guard !kind.isGray else { return }
    builder.pushBlue(UnsafePointer(blue.samples))
    builder.pushRed(UnsafePointer(red.samples))
  }

  /// What covers less than 3 % of the white below it shows to nobody.
  private mutating func countVisible(_ row: UnsafePointer<UInt8>) {
    let columns = 0..<Int(width)
    switch kind {
    case .grayAlpha: visible += columns.count { row[2 * $0 + 1] >= 8 }
    case .rgba: visible += columns.count { row[4 * $0 + 3] >= 8 }
    case .palette(let tables): visible += columns.count { tables.alpha[Int(row[$0])] >= 8 }
    default: break
    }
  }

  private func split(_ row: UnsafePointer<UInt8>) {
    let (y, b, r) = (luma.samples, blue.samples, red.samples)
    switch kind {
    case .gray: break
    case .grayAlpha(let isOpaque): imaging_split_gray_alpha(row, isOpaque ? 1 : 0, width, y)
    case .rgb: imaging_split_rgb(row, 3, 0, width, y, b, r)
    case .rgba(let isOpaque): imaging_split_rgb(row, 4, isOpaque ? 1 : 0, width, y, b, r)
    case .ycc: imaging_split_ycc(row, width, y, b, r)
    case .cmyk: imaging_split_cmyk(row, width, y, b, r)
    case .palette(let tables):
      imaging_look_up(row, tables.luma, width, y)
      guard !tables.isGray else { return }
      imaging_look_up(row, tables.blue, width, b)
      imaging_look_up(row, tables.red, width, r)
    }
  }
}

/// A palette as three tables of 256, its transparency laid over white.
struct PaletteTables {
  private(set) var luma = [UInt8](repeating: 0, count: 256)
  private(set) var blue = [UInt8](repeating: 128, count: 256)
  private(set) var red = [UInt8](repeating: 128, count: 256)
  /// The alpha of each entry.
  private(set) var alpha = [UInt8](repeating: 255, count: 256)
  /// Whether no entry has a colour.
  let isGray: Bool
  var hasTransparency: Bool { alpha.contains { $0 < 255 } }

  /// Reads PLTE (RGB triples) and tRNS (alpha per entry, opaque beyond its end); missing entries are black.
  init(palette: ArraySlice<UInt8>, transparency: ArraySlice<UInt8>) {
    var entries = [UInt8](repeating: 0, count: 1024)
    for index in 0..<256 { entries[4 * index + 3] = 255 }
    for (offset, value) in palette.prefix(768).enumerated() {
      entries[offset / 3 * 4 + offset % 3] = value
    }
    for (index, alpha) in transparency.prefix(256).enumerated() {
      entries[4 * index + 3] = alpha
      self.alpha[index] = alpha
    }
    imaging_split_rgb(entries, 4, 0, 256, &luma, &blue, &red)
    isGray = blue.allSatisfy { $0 == 128 } && red.allSatisfy { $0 == 128 }
  }
}
