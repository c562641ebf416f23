// swift-tools-version: 6.2
import PackageDescription

/// A package of somebody else's: three stages, a command that knows them, and their test.
let package = Package(
  name: "third-party-stage",
  products: [.executable(name: "watermark-intake", targets: ["watermark-intake"])],
  dependencies: [.package(name: "docintake", path: "../..")],
  targets: [
    .target(
      name: "WatermarkStages", dependencies: [.product(name: "IntakeCore", package: "docintake")]),
    .executableTarget(
      name: "watermark-intake",
      dependencies: [
        "WatermarkStages", .product(name: "IntakeCommand", package: "docintake"),
      ]),
    .testTarget(
      name: "WatermarkStagesTests",
      dependencies: [
        "WatermarkStages", .product(name: "IntakeTesting", package: "docintake"),
      ]),
  ]
)
