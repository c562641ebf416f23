/// A Swift package: a library with the stage, a command that knows it, and its test.
struct SwiftTemplate {
  let name: String
  let package: String

  /// `deskew-page` becomes `DeskewPage`.
  private var type: String {
    name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  /// SwiftPM calls a package by the last part of its place.
  private var identity: String {
    let last = String(package.split(separator: "/").last ?? "docintake")
    return last.hasSuffix(".git") ? String(last.dropLast(4)) : last
  }

  private var dependency: String {
    package.contains("://") || package.hasSuffix(".git")
      ? #".package(url: "\#(package)", branch: "main")"# : #".package(path: "\#(package)")"#
  }

  var files: [TemplateFile] {
    [
      TemplateFile(path: "\(name)/Package.swift", text: manifest),
      TemplateFile(path: "\(name)/Sources/\(type)Stage/\(type).swift", text: stage),
      TemplateFile(path: "\(name)/Sources/\(name)-intake/main.swift", text: main),
      TemplateFile(path: "\(name)/Tests/\(type)StageTests/\(type)Tests.swift", text: test),
    ]
  }

  private var manifest: String {
    """
    // swift-tools-version: 6.2
    import PackageDescription

    let package = Package(
      name: "\(name)",
      dependencies: [\(dependency)],
      targets: [
        .target(
          name: "\(type)Stage",
          dependencies: [.product(name: "IntakeCore", package: "\(identity)")]),
        .executableTarget(
          name: "\(name)-intake",
          dependencies: ["\(type)Stage", .product(name: "IntakeCommand", package: "\(identity)")]),
        .testTarget(
          name: "\(type)StageTests",
          dependencies: ["\(type)Stage", .product(name: "IntakeTesting", package: "\(identity)")]),
      ]
    )

    """
  }

  private var stage: String {
    """
    public import IntakeCore

    /// Changes or judges a scan before it is shrunk.
    public struct \(type): ImageStage {
      /// What a plan may set; each property that is marked `@Option` is an option.
      public struct Options: PluginOptions {
        @Option("how much", in: 0...100, unit: "percent") var strength = 50

        /// Every option with its default.
        public init() {}
      }

      /// The name in plans.
      public static let name = "\(name)"
      /// Help, plans and errors say it.
      public static let summary = "say in one line what it does"
      /// An entry that works.
      public static let example = #"{"stage":"\(name)","strength":50}"#

      private let options: Options

      /// Takes checked options: `options.strength`.
      public init(options: Options) { self.options = options }

      /// Returns the scan as it is: take `image.pixels(fitting:)`, and return `image.replacing(pixels:)`.
      public func run(_ image: consuming DocumentImage, in context: StageContext) throws
        -> DocumentImage
      {
        image
      }
    }

    """
  }

  private var main: String {
    """
    import IntakeCommand
    import \(type)Stage

    IntakeCommand.main(.builtin.adding(\(type).self))

    """
  }

  private var test: String {
    """
    import \(type)Stage
    import IntakeTesting
    import Testing

    @Test func \(type.prefix(1).lowercased() + type.dropFirst())KeepsTheRulesOfStages() async {
      let report = await StageConformance.check(\(type).self)
      #expect(report.isConforming, "\\(report.text)")
    }

    """
  }
}
