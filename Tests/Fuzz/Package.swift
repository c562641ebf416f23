// swift-tools-version: 6.2
import PackageDescription

// A package of its own: sanitizers and coverage instrument everything that they are built with.
let package = Package(
  name: "docintake-fuzz",
  dependencies: [.package(name: "docintake", path: "../..")],
  targets: [
    .target(name: "CDriver"),
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "CDriver",
        .product(name: "IntakeCore", package: "docintake"),
        .product(name: "IntakeImaging", package: "docintake"),
        .product(name: "IntakeCommand", package: "docintake"),
      ],
      path: "Sources/Fuzz",
      swiftSettings: [.unsafeFlags(["-parse-as-library"])]),
  ]
)
