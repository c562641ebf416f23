import IntakeImaging
import Testing

struct ImagingLibrariesTests {
  @Test func `both libraries tell their version`() {
    let versions = ImagingLibraries.versions
    #expect(versions.map(\.name).contains("libpng"))
    #expect(versions.count == 2)
    #expect(versions.allSatisfy { $0.version.contains(".") })
  }
}
