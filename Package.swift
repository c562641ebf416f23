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

/// The stages, in pipeline order: a folder, a line here and a line in `BuiltinStages.swift` each.
let stages: [Target] = [
  .stage("Load", "IntakeSystem"),
  .stage("Decode", "IntakeImaging"),
  .stage("Gate"),
  .stage("Shrink", "IntakeImaging"),
  .stage("Base64"),
  .stage("DCAMS"),
  .stage("Noah", "IntakeCrypto"),
  .stage("Template", "IntakeSystem"),
  .stage("Submit", "IntakeSystem", "IntakeTransport"),
  .stage("Record", "IntakeLedger", "IntakeSystem"),
  .stage("External", "IntakeCrypto", "IntakeImaging", "IntakeSystem"),
]

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
    .target(
      name: "IntakeCommand",
      dependencies: [
        "IntakeCore", "IntakeCrypto", "IntakeImaging", "IntakeLedger", "IntakeRunner",
        "IntakeSandbox", "IntakeSystem", "IntakeTesting", "IntakeTransport",
      ] + stages.map { .byName(name: $0.name) }, swiftSettings: strict),
    .module("IntakeTesting", "IntakeCore", "IntakeImaging", "IntakeSystem"),
    .executableTarget(name: "docintake", dependencies: ["IntakeCommand"], swiftSettings: strict),

    // Tests mirror the folders; those of the command run the built program.
    .target(
      name: "TestSupport", dependencies: ["IntakeCore", "IntakeLedger", "IntakeSystem"],
      path: "Tests/Support", swiftSettings: strict),
    .tests("IntakeCore", "IntakeCore"),
    .tests("IntakeRunner", "IntakeCore", "IntakeRunner"),
    .tests(
      "IntakeCommand", "IntakeCore", "IntakeImaging", "IntakeSystem", "IntakeTransport",
      "TestSupport", "docintake"),
    .tests("Reliability", "IntakeCore", "IntakeLedger", "IntakeSystem", "TestSupport", "docintake"),
    .tests("IntakeSandbox", "CCrypto", "IntakeCore", "IntakeSandbox"),
    .tests("IntakeTransport", "IntakeTransport", "IntakeCore", "IntakeSystem", "SubmitStage"),
    .tests("IntakeCrypto", "IntakeCrypto"),
    .tests("TemplateStage", "DCAMSStage", "IntakeCore", "IntakeTesting", "TemplateStage"),
    .tests(
      "NoahStage", "CCrypto", "DCAMSStage", "IntakeCore", "IntakeCrypto", "IntakeTransport",
      "NoahStage"),
    .tests("DCAMSStage", "DCAMSStage", "IntakeCore"),
    .tests(
      "IntakeLedger", "IntakeCore", "IntakeLedger", "IntakeSystem", "RecordStage",
      "TestSupport"),
    .tests(
      "IntakeImaging", "CImaging", "DecodeStage", "IntakeCore", "IntakeImaging", "ShrinkStage",
      "TestSupport"),
    .tests("GateStage", "GateStage", "IntakeCore", "IntakeImaging"),
    .tests("LoadStage", "CSystem", "IntakeCore", "IntakeSystem", "LoadStage", "TestSupport"),
    .tests(
      "ExternalStage", "ExternalStage", "IntakeCore", "IntakeImaging", "IntakeSystem",
      "IntakeTesting", "TestSupport"),
    .executableTarget(
      name: "imaging-bench", dependencies: ["IntakeCore", "IntakeImaging"],
      path: "Tests/Benchmarks/Imaging", swiftSettings: strict),
    .tests("IntakeTesting", "IntakeCore", "IntakeSystem", "IntakeTesting", "TestSupport"),
  ] + stages
)
