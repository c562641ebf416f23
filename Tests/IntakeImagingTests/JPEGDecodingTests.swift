import IntakeCore
import IntakeImaging
import Testing

struct JPEGDecodingTests {
  @Test(arguments: [
    "420", "444", "422", "440", "411", "410", "uneven", "coarse-luma", "rgb", "rgb-ids",
    "progressive", "restart", "multiscan",
  ])
  func `every coding of colour gives the same picture`(_ name: String) throws {
    let bitmap = try scan(try fixture(name)).pixels()
    #expect(bitmap.size == Scene.size)
    #expect(bitmap.chroma?.blue.width == 48)
    #expect(Scene.difference(bitmap) <= 4)
  }

  @Test(arguments: ["311", "321", "131"], [96, 60, 48])
  func `chroma at a third of the size keeps its colours`(_ name: String, _ edge: Int) throws {
    let bitmap = try scan(try fixture(name)).pixels(fitting: edge)
    #expect(Scene.difference(bitmap, scale: Double(edge) / 96) <= 12)
  }

  @Test(arguments: ["cmyk-adobe", "ycck-adobe", "ycck-420"])
  func `printing colours come out right, inverted or not`(_ name: String) throws {
    let bitmap = try scan(try fixture(name)).pixels()
    // With 10 % black no component can exceed 230.
    let difference = Scene.difference(bitmap, where: { Scene.rgb($0, $1)[2] <= 230 })
    #expect(difference <= 5)
  }

  @Test func `gray stays gray`() throws {
    let bitmap = try scan(try fixture("gray")).pixels()
    #expect(bitmap.chroma == nil)
    #expect(Scene.difference(bitmap, gray: true) <= 2)
  }

  @Test(arguments: [
    ("odd-420", 97), ("odd-420", 49), ("odd-420", 60), ("odd-411", 97), ("odd-411", 49),
  ])
  func `odd sizes keep every block in its place`(_ name: String, _ edge: Int) throws {
    let bitmap = try scan(try fixture(name)).pixels(fitting: edge)
    #expect(bitmap.size.longerSide == edge)
    #expect(Scene.difference(bitmap, scale: Double(edge) / 97) <= 10)
  }

  @Test(arguments: [97, 49, 33])
  func `gray with pointless sampling factors is read as gray`(_ edge: Int) throws {
    let bitmap = try scan(try fixture("odd-gray-2x2")).pixels(fitting: edge)
    #expect(bitmap.chroma == nil)
    #expect(Scene.difference(bitmap, scale: Double(edge) / 97, gray: true) <= 10)
  }

  @Test(arguments: [("420", 48), ("444", 48), ("422", 48), ("rgb", 48), ("ycck-420", 48)])
  func `shrinking on load keeps every block in its place`(_ name: String, _ edge: Int) throws {
    let bitmap = try scan(try fixture(name)).pixels(fitting: edge)
    #expect(bitmap.size == PixelSize(width: 48, height: 32))
    #expect(Scene.difference(bitmap, scale: 0.5, where: { Scene.rgb($0, $1)[2] <= 230 }) <= 8)
  }

  @Test(arguments: [("420", 60), ("444", 60), ("411", 60), ("440", 61), ("uneven", 77)])
  func `resizing to any edge keeps every block in its place`(_ name: String, _ edge: Int) throws {
    let bitmap = try scan(try fixture(name)).pixels(fitting: edge)
    #expect(bitmap.size.longerSide == edge)
    #expect(Scene.difference(bitmap, scale: Double(edge) / 96) <= 8)
  }

  @Test func `a decoded size of at least 0.9 of the edge is taken as it is`() throws {
    let source = try scan(try jpeg(of: document(800, 600)))
    #expect(try source.pixels(fitting: 440).size == PixelSize(width: 400, height: 300))
    #expect(try source.pixels(fitting: 400).size == PixelSize(width: 400, height: 300))
    #expect(try source.pixels(fitting: 450).size == PixelSize(width: 450, height: 338))
    #expect(try source.pixels(fitting: 900).size == PixelSize(width: 800, height: 600))
  }

  @Test(arguments: Orientation.allCases)
  func `every orientation comes out upright`(_ orientation: Orientation) throws {
    let exif = [UInt8].exif(orientation: UInt16(orientation.rawValue), littleEndian: true)
    let turned = try scan(try fixture("444").inserting(segment: 0xE1, exif)).pixels()
    #expect(turned.size == Scene.size.turned(by: orientation))
    for (x, y) in [(8, 8), (88, 8), (8, 56), (40, 24)] {
      let place = Self.upright(x, y, orientation)
      let difference = abs(Int(turned[place.0, place.1].luma) - Int(Scene.color(x, y).luma))
      #expect(difference <= 4, "\(orientation) at \(x), \(y)")
    }
  }

  /// How far right and down, in luma pixels, the chroma of a picture lies from its luma: the middle of one spot.
  private static func displacement(_ bitmap: Bitmap) throws -> (x: Double, y: Double) {
    func middle(_ plane: Plane, _ step: Double) -> (x: Double, y: Double) {
      let ground = Int(plane.samples[0])
      var (sum, x, y) = (0.0, 0.0, 0.0)
      for (index, sample) in plane.samples.enumerated() {
        let weight = abs(Double(Int(sample) - ground))
        guard weight > 8 else { continue }
        sum += weight
        x += weight * ((Double(index % plane.width) + 0.5) * step - 0.5)
        y += weight * ((Double(index / plane.width) + 0.5) * step - 0.5)
      }
      return (x / sum, y / sum)
    }
    let chroma = try #require(bitmap.chroma)
    let (luma, blue) = (middle(bitmap.luma, 1), middle(chroma.blue, 2))
    return (blue.x - luma.x, blue.y - luma.y)
  }

  @Test(arguments: Orientation.allCases, [nil, 101])
  func `chroma stays with its luma when an odd side is mirrored`(
    _ orientation: Orientation, _ edge: Int?
  ) throws {
    var writer = PNGWriter(size: PixelSize(width: 151, height: 101))
    writer.pixel = { x, y in
      (60..<84).contains(x) && (40..<64).contains(y) ? [20, 40, 250] : [230, 230, 230]
    }
    writer.before = [PNGWriter.chunk("eXIf", [UInt8].tiff(0, UInt8(orientation.rawValue)))]
    let (x, y) = try Self.displacement(try scan(writer.bytes).pixels(fitting: edge))
    #expect(abs(x) < 0.25 && abs(y) < 0.25, "\(x), \(y)")
  }

  /// Where EXIF 2.3 says that a stored pixel is shown.
  private static func upright(_ x: Int, _ y: Int, _ orientation: Orientation) -> (Int, Int) {
    let (right, bottom) = (Scene.size.width - 1, Scene.size.height - 1)
    switch orientation {
    case .upright: return (x, y)
    case .mirrored: return (right - x, y)
    case .upsideDown: return (right - x, bottom - y)
    case .flipped: return (x, bottom - y)
    case .transposed: return (y, x)
    case .turnRight: return (bottom - y, x)
    case .transversed: return (bottom - y, right - x)
    case .turnLeft: return (y, right - x)
    }
  }

  @Test func `decoding the same bytes twice gives the same pixels`() throws {
    let bytes = try jpeg(of: noise(333, 217))
    #expect(try scan(bytes).pixels(fitting: 200) == scan(bytes).pixels(fitting: 200))
  }
}
