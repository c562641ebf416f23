import CImaging
import IntakeCore
import IntakeImaging
import Testing

struct PNGDecodingTests {
  /// Luma of the scene, which the gray kinds store.
  private static func luma(_ x: Int, _ y: Int) -> Int { Int(Scene.color(x, y).luma) }

  private static func pixels(of writer: PNGWriter, edge: Int? = nil) throws -> Bitmap {
    try scan(writer.bytes).pixels(fitting: edge)
  }

  @Test(arguments: [false, true])
  func `colour of 8 and 16 bits comes out exactly`(_ interlaced: Bool) throws {
    var writer = PNGWriter(interlaced: interlaced)
    #expect(Scene.difference(try Self.pixels(of: writer)) <= 1)
    writer.depth = 16
    writer.pixel = { x, y in Scene.rgb(x, y).map { Int($0) * 257 } }
    #expect(Scene.difference(try Self.pixels(of: writer)) <= 1)
  }

  @Test(arguments: [1, 2, 4, 8, 16], [false, true])
  func `gray of every depth comes out exactly`(_ depth: Int, _ interlaced: Bool) throws {
    var writer = PNGWriter(colorType: 0, depth: depth, interlaced: interlaced)
    let top = 1 << depth - 1
    writer.pixel = { x, y in [Self.luma(x, y) * top / 255] }
    let bitmap = try Self.pixels(of: writer)
    #expect(bitmap.chroma == nil)
    let difference = Scene.difference(
      bitmap, gray: true,
      expected: { x, y in PixelColor(luma: UInt8(Self.luma(x, y) * top / 255 * 255 / top)) })
    #expect(difference <= 1)
  }

  @Test(arguments: [1, 2, 4, 8])
  func `palettes of every depth come out exactly, transparency over white`(_ depth: Int) throws {
    var writer = PNGWriter(colorType: 3, depth: depth)
    let count = min(1 << depth, 24)
    func entry(_ x: Int, _ y: Int) -> Int { (x / 16 + y / 16 * 6) % count }
    writer.palette = (0..<count).flatMap { Scene.rgb($0 % 6 * 16, $0 / 6 * 16) }
    writer.transparency = [0]
    writer.pixel = { x, y in [entry(x, y)] }
    let difference = Scene.difference(
      try Self.pixels(of: writer),
      expected: { x, y in
        let index = entry(x, y)
        return index == 0 ? .white : Scene.color(index % 6 * 16, index / 6 * 16)
      })
    #expect(difference <= 1)
  }

  @Test func `a palette without colour becomes gray`() throws {
    var writer = PNGWriter(colorType: 3, depth: 1)
    writer.palette = [0, 0, 0, 255, 255, 255]
    writer.pixel = { x, _ in [x / 16 % 2] }
    #expect(try Self.pixels(of: writer).chroma == nil)
  }

  @Test(arguments: [8, 16])
  func `alpha is laid over white`(_ depth: Int) throws {
    let unit = depth == 16 ? 257 : 1
    var writer = PNGWriter(colorType: 6, depth: depth)
    writer.pixel = { x, y in Scene.rgb(x, y).map { Int($0) * unit } + [x < 48 ? 255 * unit : 0] }
    let difference = Scene.difference(
      try Self.pixels(of: writer), expected: { x, y in x < 48 ? Scene.color(x, y) : .white })
    #expect(difference <= 1)
    writer.colorType = 4
    writer.pixel = { x, y in [100 * unit, x < 48 ? 128 * unit : 0] }
    let gray = try Self.pixels(of: writer)
    #expect(gray.chroma == nil)
    #expect(abs(Int(gray[8, 8].luma) - 177) <= 1)
    #expect(gray[88, 8].luma == 255)
  }

  @Test func `one transparent colour is laid over white`() throws {
    var writer = PNGWriter()
    writer.transparency = Scene.rgb(0, 0).flatMap { [0, $0] }
    let bitmap = try Self.pixels(of: writer)
    #expect(bitmap[8, 8] == .white)
    #expect(bitmap[24, 8] != .white)
  }

  @Test(arguments: [60, 48, 33])
  func `resizing keeps every block in its place`(_ edge: Int) throws {
    let bitmap = try Self.pixels(of: PNGWriter(), edge: edge)
    #expect(bitmap.size.longerSide == edge)
    #expect(Scene.difference(bitmap, scale: Double(edge) / 96) <= 10)
  }

  @Test(arguments: [false, true])
  func `bytes and rows too many do not hurt`(_ interlaced: Bool) throws {
    var writer = PNGWriter(interlaced: interlaced)
    writer.changeData = { $0 + [UInt8](repeating: 0x78, count: 20) }
    #expect(Scene.difference(try Self.pixels(of: writer)) <= 1)
    writer.changeData = { $0 }
    writer.changeRows = { $0 + [UInt8](repeating: 0, count: 3 * 289) }
    #expect(Scene.difference(try Self.pixels(of: writer)) <= 1)
  }

  /// zlib's checksum of the pixels, the last four bytes of the data; the chunk's own is right.
  @Test(arguments: [0, 2, 3, 6], [false, true])
  func `a wrong checksum of the pixels is damage`(_ type: Int, _ interlaced: Bool) throws {
    var writer = PNGWriter(colorType: type, interlaced: interlaced)
    writer.palette = type == 3 ? [9, 9, 9] : []
    writer.pixel = { x, y in
      [Int](repeating: type == 3 ? 0 : x + y, count: [1, 0, 3, 1, 0, 0, 4][type])
    }
    _ = try Self.pixels(of: writer)
    for place in 1...4 {
      writer.changeData = { data in
        var data = data
        data[data.count - place] ^= 1
        return data
      }
      #expect(failure { _ = try Self.pixels(of: writer) }?.code == .damagedImage, "\(place)")
    }
  }

  /// Stored data refers to nothing before it, so the window that the header promises may be any.
  @Test(arguments: 0...7)
  func `a window of any promised size is read`(_ size: UInt8) throws {
    var writer = PNGWriter()
    writer.changeData = { data in
      // The header is a multiple of 31 (RFC 1950).
      let first = size << 4 | 8
      let check = UInt8((31 - Int(first) << 8 % 31) % 31)
      return [first, check] + data.dropFirst(2)
    }
    #expect(Scene.difference(try Self.pixels(of: writer)) <= 1)
  }

  @Test func `rows that would not fit are not read`() throws {
    let bytes = PNGWriter().bytes
    let limits = imaging_limits(max_side: 1000, max_pixels: 1_000_000, max_scans: 1, max_memory: 0)
    let range = [imaging_range(offset: 0, count: bytes.count)]
    try bytes.withUnsafeBufferPointer { bytes in
      try range.withUnsafeBufferPointer { range in
        var status = imaging_status.IMAGING_OK
        let (start, list) = (try #require(bytes.baseAddress), try #require(range.baseAddress))
        let reader = try #require(imaging_png_open(start, list, 1, limits, &status))
        defer { imaging_png_close(reader) }
        let width = Int(imaging_png_get_layout(reader).width)
        var rows = [UInt8](repeating: 0xAA, count: 4 * width)
        #expect(imaging_png_read_rows(reader, &rows, 3 * width - 1, 1) == .IMAGING_MISUSE)
        #expect(rows.allSatisfy { $0 == 0xAA })
        #expect(imaging_png_read_rows(reader, &rows, 3 * width, 1) == .IMAGING_OK)
      }
    }
  }

  @Test func `transparency of more entries than the palette has does not hurt`() throws {
    var writer = PNGWriter(colorType: 3)
    writer.palette = [255, 0, 0, 0, 255, 0]
    writer.transparency = [0, 255, 0, 0]
    writer.pixel = { x, _ in [x / 48] }
    let bitmap = try Self.pixels(of: writer)
    #expect(bitmap[8, 8] == .white)
    #expect(bitmap[88, 8] == PixelColor(red: 0, green: 255, blue: 0))
  }

  @Test(.timeLimit(.minutes(20)), arguments: [2, 3, 6], [false, true])
  func `data that is cut within whole chunks is damaged`(_ type: Int, _ interlaced: Bool) throws {
    let size = PixelSize(width: 40, height: 24)
    var writer = PNGWriter(size: size, colorType: type, interlaced: interlaced)
    writer.palette = type == 3 ? [9, 9, 9] : []
    writer.pixel = { x, y in
      [3: [0], 2: Scene.rgb(x, y).map { Int($0) }][type] ?? Scene.rgb(x, y).map { Int($0) } + [99]
    }
    for percent in 0..<100 {
      writer.changeData = { Array($0.prefix($0.count * percent / 100)) }
      let code = failure { _ = try Self.pixels(of: writer) }?.code
      #expect(code == .damagedImage, "at \(percent) %")
      writer.changeData = { $0 }
      writer.changeRows = { Array($0.prefix($0.count * percent / 100)) }
      let short = failure { _ = try Self.pixels(of: writer) }?.code
      #expect(short == .damagedImage, "rows at \(percent) %")
      writer.changeRows = { $0 }
    }
  }

  @Test(arguments: [true, false])
  func `EXIF turns the picture, before or after its data`(_ isBefore: Bool) throws {
    var writer = PNGWriter()
    let chunk = PNGWriter.chunk("eXIf", [UInt8].tiff(0, 6))
    if isBefore { writer.before = [chunk] } else { writer.after = [chunk] }
    let image = try scan(writer.bytes)
    #expect(image.header.orientation == .turnRight)
    #expect(try image.pixels().size == PixelSize(width: 64, height: 96))
  }

  @Test func `density in dots per metre is read`() throws {
    var writer = PNGWriter()
    writer.before = [PNGWriter.chunk("pHYs", PNGWriter.big(11811) + PNGWriter.big(11811) + [1])]
    let density = try #require(try scan(writer.bytes).header.density)
    #expect(abs(density - 300) < 0.1)
  }
}
