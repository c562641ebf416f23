import CImaging
import IntakeCore
import IntakeImaging
import Testing

struct HuffmanTablesTests {
  /// Encodes through the C writer: with tables given, or with tables made and handed out.
  private static func encode(
    _ bitmap: Bitmap, quality: Int32, parts: Int32 = 1, given: imaging_huffman_tables? = nil
  ) -> (bytes: [UInt8], tables: imaging_huffman_tables) {
    var made = imaging_huffman_tables()
    var bytes = [UInt8](repeating: 0, count: 4_000_000)
    var size = 0
    let none = Plane(width: 0, height: 0, samples: [])
    let chroma = bitmap.chroma ?? Bitmap.Chroma(blue: none, red: none)
    let status = bitmap.luma.samples.withUnsafeBufferPointer { luma in
      chroma.blue.samples.withUnsafeBufferPointer { blue in
        chroma.red.samples.withUnsafeBufferPointer { red in
          var picture = imaging_picture(
            width: Int32(bitmap.size.width), height: Int32(bitmap.size.height),
            luma: luma.baseAddress, blue: bitmap.chroma == nil ? nil : blue.baseAddress,
            red: bitmap.chroma == nil ? nil : red.baseAddress)
          var options = imaging_jpeg_options()
          options.quality = quality
          options.sample_parts = parts
          options.optimized = given == nil ? 1 : 0
          options.tables = given ?? imaging_huffman_tables()
          return imaging_jpeg_write(&picture, &options, &bytes, bytes.count, &size, &made)
        }
      }
    }
    #expect(status == .IMAGING_OK)
    return (Array(bytes.prefix(size)), made)
  }

  private static func flat(_ width: Int, _ height: Int) -> Bitmap {
    PixelBuffer(size: PixelSize(width: width, height: height), filledWith: .white).frozen()
  }

  @Test(arguments: [1, 30, 85, 100])
  func `tables of an empty page can code anything`(_ quality: Int) throws {
    let tables = Self.encode(Self.flat(640, 640), quality: Int32(quality), parts: 8).tables
    let wild = noise(320, 240)
    let coded = Self.encode(wild, quality: Int32(quality), given: tables).bytes
    let plain = Self.encode(wild, quality: Int32(quality)).bytes
    #expect(try scan(coded).pixels() == scan(plain).pixels())
  }

  @Test func `tables of a gray sample serve gray pictures`() throws {
    let gray = Bitmap(luma: noise(600, 600, contrast: 90).luma)
    let tables = Self.encode(gray, quality: 60, parts: 8).tables
    let coded = Self.encode(gray, quality: 50, given: tables).bytes
    #expect(try scan(coded).pixels() == scan(Self.encode(gray, quality: 50).bytes).pixels())
  }

  @Test func `tables of a sample cost hardly more than tables of the whole`() {
    let page = document(800, 640)
    let tables = Self.encode(page, quality: 60, parts: 8).tables
    let sampled = Self.encode(page, quality: 60, given: tables).bytes.count
    let own = Self.encode(page, quality: 60).bytes.count
    #expect(sampled >= own)
    #expect(sampled < own + own / 50)
  }
}
