// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is held to the same rules; a warning is an error.
let strict: [SwiftSetting] =
  ["ExistentialAny", "MemberImportVisibility", "InternalImportsByDefault"]
  .map { .enableUpcomingFeature($0) } + [.treatAllWarnings(as: .error)]

extension Target {
  /// A module of the program, in `Sources/`; two have a folder of texts that are built in.
  static func module(_ name: String, _ needs: Dependency..., and: [Target] = []) -> Target {
    .target(
      name: name, dependencies: needs + and.map { .byName(name: $0.name) },
      resources: ["IntakeCommand", "IntakeSandbox"].contains(name) ? [.embedInCode("Texts")] : [],
      swiftSettings: strict)
  }

  /// A pipeline stage: an ordinary module in `Plugins/` that sees only what a stranger's stage sees.
  static func stage(_ name: String, _ needs: Dependency...) -> Target {
    .target(
      name: name + "Stage", dependencies: ["IntakeCore"] + needs, path: "Plugins/" + name,
      packageAccess: false, swiftSettings: strict)
  }

  /// A test bundle that mirrors a folder of the program; all of them share `Tests/Support`.
  static func tests(_ name: String, _ needs: Dependency...) -> Target {
    .testTarget(
      name: name + "Tests", dependencies: ["IntakeCore", "TestSupport"] + needs,
      swiftSettings: strict)
  }

  /// A program beside the tests.
  static func tool(_ name: String, _ path: String, _ needs: Dependency...) -> Target {
    .executableTarget(name: name, dependencies: needs, path: path, swiftSettings: strict)
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
  // Every module that a stage in Plugins/ imports is a product, so a stranger's stage can import the same.
  products: ["Command", "Core", "Crypto", "Imaging", "Ledger", "System", "Testing", "Transport"]
    .map { .library(name: "Intake" + $0, targets: ["Intake" + $0]) },
  dependencies: [],
  targets: [
    .module("IntakeCore"),
    .target(name: "CSystem"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .module("IntakeSystem", "CSystem", "CZlib", "IntakeCore"),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .module("IntakeCrypto", "CCrypto", "IntakeCore"),
    .target(name: "CImaging", linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png")]),
    .module("IntakeImaging", "CImaging", "IntakeCore", "IntakeSystem"),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .module("IntakeTransport", "CCurl", "IntakeCore"),
    .module("IntakeLedger", "IntakeCore", "IntakeCrypto", "IntakeSystem"),
    .module("IntakeRunner", "IntakeCore", "IntakeCrypto", "IntakeSystem"),
    .module("IntakeSandbox", "IntakeCore", "IntakeCrypto", "IntakeSystem"),
    .module(
      "IntakeCommand", "IntakeCore", "IntakeCrypto", "IntakeImaging", "IntakeLedger",
      "IntakeRunner", "IntakeSandbox", "IntakeSystem", "IntakeTesting", "IntakeTransport",
      and: stages),
    .module("IntakeTesting", "CZlib", "IntakeCore", "IntakeImaging", "IntakeSystem"),
    .executableTarget(name: "docintake", dependencies: ["IntakeCommand"], swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["IntakeCore", "IntakeLedger", "IntakeSystem"],
      path: "Tests/Support", swiftSettings: strict),
    .tests("IntakeCore"),
    .tests("IntakeRunner", "IntakeLedger", "IntakeRunner", "IntakeSystem"),
    .tests(
      "IntakeCommand", "IntakeCommand", "IntakeImaging", "IntakeSandbox", "IntakeSystem",
      "IntakeTransport", "docintake", "hostile-docintake"),
    .tests("Reliability", "IntakeLedger", "IntakeRunner", "IntakeSystem", "docintake"),
    .tests("IntakeSandbox", "CCrypto", "IntakeSandbox"),
    .tests("IntakeSystem", "IntakeSystem", "docintake"),
    .tests("IntakeTransport", "IntakeTransport", "IntakeSystem", "SubmitStage", "docintake"),
    .tests("IntakeCrypto", "IntakeCrypto"),
    .tests("TemplateStage", "DCAMSStage", "IntakeTesting", "TemplateStage"),
    .tests("NoahStage", "CCrypto", "DCAMSStage", "IntakeCrypto", "IntakeTransport", "NoahStage"),
    .tests("DCAMSStage", "DCAMSStage"),
    .tests("IntakeLedger", "IntakeLedger", "IntakeSystem", "RecordStage"),
    .tests(
      "IntakeImaging", "CImaging", "DecodeStage", "IntakeImaging", "IntakeSystem", "ShrinkStage",
      "hostile-docintake"),
    .tests("GateStage", "GateStage", "IntakeImaging"),
    .tests("LoadStage", "CSystem", "IntakeSystem", "LoadStage"),
    .tests("ExternalStage", "ExternalStage", "IntakeImaging", "IntakeSystem", "IntakeTesting"),
    .tests("IntakeTesting", "IntakeSystem", "IntakeTesting", "docintake"),
    .tool("imaging-bench", "Tests/Benchmarks/Imaging", "IntakeCore", "IntakeImaging"),
    .tool("hostile-docintake", "Tests/HostileDecoder", "IntakeCommand", "IntakeImaging"),
  ] + stages
)
