import IntakeCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What is fed with random bytes; `DOCINTAKE_FUZZ` names one.
///
/// No input may trap, overrun memory, leak, or take longer than libFuzzer's `-timeout`; `sound` traps where the walk over
/// a JPEG's codes calls something sound that the decoder has a word about.
enum FuzzTarget: String, CaseIterable {
  case header, exif, jpeg, sound, png, manifest, plan, ledger

  /// The one that the environment names.
  static let chosen: FuzzTarget = {
    let name = getenv("DOCINTAKE_FUZZ").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
      print("DOCINTAKE_FUZZ must be one of", allCases.map(\.rawValue).joined(separator: ", "))
      exit(2)
    }
    return target
  }()

  /// Reads one input to its end.
  func run(_ bytes: [UInt8]) {
    switch self {
    case .header: ImageTargets.header(bytes)
    case .exif: ImageTargets.exif(bytes)
    case .jpeg: ImageTargets.jpeg(bytes)
    case .sound: ImageTargets.sound(bytes)
    case .png: ImageTargets.png(bytes)
    case .manifest: TextTargets.manifest(bytes)
    case .plan: TextTargets.plan(bytes)
    case .ledger: TextTargets.ledger(bytes)
    }
  }
}

/// Called by libFuzzer for each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  FuzzTarget.chosen.run(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
