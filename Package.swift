// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is held to the same rules; a warning is an error.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

extension Target {
  /// A module of the program, in `Sources/`.
  static func module(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
  }

  /// A pipeline stage: an ordinary module in `Plugins/` that sees only what a stranger's stage sees.
  static func stage(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .target(
      name: name + "Stage", dependencies: ["IntakeCore"] + dependencies, path: "Plugins/" + name,
      packageAccess: false, swiftSettings: strict)
  }

  /// A library of the distribution, linked dynamically so that its security updates reach us.
  static func system(_ name: String, _ pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
  }

  /// A test bundle that mirrors a folder of the program.
  static func tests(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(name: name + "Tests", dependencies: dependencies, swiftSettings: strict)
  }
}

let package = Package(
  name: "docintake",
  products: [
    .executable(name: "docintake", targets: ["docintake"]),
    .library(name: "IntakeCore", targets: ["IntakeCore"]),
    .library(name: "IntakeImaging", targets: ["IntakeImaging"]),
    .library(name: "IntakeCommand", targets: ["IntakeCommand"]),
    .library(name: "IntakeTesting", targets: ["IntakeTesting"]),
  ],
  dependencies: [],
  targets: [
    // The program, from the vocabulary up to the command.
    .module("IntakeCore"),
    .target(name: "CSystem"),
    .module("IntakeSystem", "CSystem", "IntakeCore"),
    .system("CCrypto", "libcrypto", apt: "libssl-dev"),
    .module("IntakeCrypto", "CCrypto"),
    .target(name: "CImaging", linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png")]),
    .module("IntakeImaging", "CImaging", "IntakeCore"),
    .system("CCurl", "libcurl", apt: "libcurl4-openssl-dev"),
    .module("IntakeTransport", "CCurl", "IntakeCore"),
    .module("IntakeLedger", "IntakeCore", "IntakeCrypto", "IntakeSystem"),
    .module("IntakeRunner", "IntakeCore", "IntakeSystem"),
    .module("IntakeSandbox", "IntakeCore", "IntakeCrypto", "IntakeImaging", "IntakeSystem"),
    .module(
      "IntakeCommand", "IntakeCore", "IntakeCrypto", "IntakeImaging", "IntakeLedger",
      "IntakeRunner", "IntakeSandbox", "IntakeSystem", "IntakeTransport",
      "LoadStage", "DecodeStage", "ShrinkStage", "Base64Stage", "DCAMSStage", "SubmitStage",
      "RecordStage"),
    .module("IntakeTesting", "IntakeCore"),
    .executableTarget(name: "docintake", dependencies: ["IntakeCommand"], swiftSettings: strict),

    // The stages, in pipeline order. A stage is a folder, a line here and a line in the registry.
    .stage("Load", "IntakeSystem"),
    .stage("Decode", "IntakeImaging"),
    .stage("Shrink", "IntakeImaging"),
    .stage("Base64"),
    .stage("DCAMS"),
    .stage("Noah", "IntakeCrypto"),
    .stage("Submit", "IntakeSystem", "IntakeTransport"),
    .stage("Record", "IntakeLedger"),

    // Tests mirror the folders; those of the command run the built program.
    .tests("IntakeCore", "IntakeCore"),
    .tests("IntakeRunner", "IntakeCore", "IntakeRunner"),
    .tests("IntakeCommand", "IntakeCore", "IntakeSystem", "docintake"),
    .tests("IntakeSandbox", "CCrypto", "IntakeCore", "IntakeSandbox"),
    .tests("IntakeTransport", "IntakeTransport", "IntakeCore", "IntakeSystem", "SubmitStage"),
    .tests("IntakeCrypto", "IntakeCrypto"),
    .tests(
      "NoahStage", "CCrypto", "DCAMSStage", "IntakeCore", "IntakeCrypto", "IntakeTransport",
      "NoahStage"),
    .tests("DCAMSStage", "DCAMSStage", "IntakeCore"),
    .tests("IntakeLedger", "IntakeCore", "IntakeLedger", "IntakeSystem", "RecordStage"),
    .tests("IntakeImaging", "CImaging", "DecodeStage", "IntakeCore", "IntakeImaging", "ShrinkStage"),
  ]
)
