import CImaging
import IntakeCore
import IntakeImaging
import Testing

@Suite struct ShrinkingTests {
  @Test func `Library versions are told`() {
    #expect(ImagingLibraries.versions.count == 2)
  }
}
