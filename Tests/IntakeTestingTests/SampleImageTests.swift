import IntakeCore
import IntakeTesting
import Testing

struct SampleImageTests {
  @Test func bothFormatsCanBeDecodedAtTheSizeAskedFor() throws {
    for bytes in [
      try SampleImage.jpeg(width: 120, height: 77), SampleImage.png(width: 120, height: 77),
    ] {
      let bitmap = try SampleImage.document(bytes).pixels()
      #expect(bitmap.size == PixelSize(width: 120, height: 77))
    }
  }
}
