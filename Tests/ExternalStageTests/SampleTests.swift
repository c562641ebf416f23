import IntakeCore
import IntakeSystem
import IntakeTesting
import TestSupport
import Testing

@testable import ExternalStage

/// The programs in `samples/stages` do to an item what they say, through the stage itself.
@Suite(.timeLimit(.minutes(20))) struct SampleTests {
  private static let folder =
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    .joined(separator: "/") + "/samples/stages/"

  private func stage<Item: ItemKind>(
    _ name: String, _ item: Item.Type, options: [String: String] = [:]
  ) async throws -> ExternalStage<Item> {
    let values: [String: OptionValue] = [
      "program": .list([Self.folder + name]), "accepts": .text(Item.name.rawValue),
      "options": .table(options),
    ]
    let stage = try ExternalStage<Item>(given: values)
    try await stage.prepare()
    return stage
  }

  private let context = StageContext(row: RowReference(line: 2), side: .front)

  @Test(.enabled(if: Interpreter.has("python3", "-c", "import PIL"), "Pillow is not there"))
  func blurChangesItsBoxAndNothingElse() async throws {
    let stage = try await stage(
      "blur.py", ImageItem.self, options: ["box": "0,50,100,50", "radius": "8"])
    let image = try SampleImage.document(SampleImage.png(width: 160, height: 160))
    let (before, after) = (
      try image.pixels().luma, try stage.run(image, in: context).pixels().luma
    )
    #expect(before.samples[..<(160 * 80)] == after.samples[..<(160 * 80)])
    #expect(before.samples[(160 * 100)...] != after.samples[(160 * 100)...])
    await stage.finish()
  }

  @Test(.enabled(if: Interpreter.has("jpegtran", "-version"), "jpegtran is not there"))
  func jpegtranSavesBytesAndNoPixelChanges() async throws {
    let stage = try await stage("jpegtran.sh", PreparedItem.self)
    let prepared = try SampleImage.prepared(SampleImage.jpeg(width: 800, height: 500))
    let result = try stage.run(prepared, in: context)
    #expect(result.bytes.count < prepared.bytes.count)
    #expect(
      try SampleImage.document(result.bytes).pixels()
        == SampleImage.document(prepared.bytes).pixels())
    await stage.finish()
  }
}
