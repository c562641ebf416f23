import IntakeCore

/// The variants of JPEG that are read: baseline, extended and progressive, Huffman, 8 bits.
enum JPEGVariant {
  /// Refuses the others, by name.
  static func require(marker: UInt8, depth: Int, components: Int) throws(StageFailure) {
    if let name = refused(marker) {
      throw StageFailure(.unsupportedVariant, "the JPEG is \(name)")
    }
    guard depth == 8 else {
      throw StageFailure(.unsupportedVariant, "the JPEG has \(depth) bits per component, not 8")
    }
    guard [1, 3, 4].contains(components) else {
      throw StageFailure(
        .unsupportedVariant, "the JPEG has \(components) components, not 1, 3 or 4")
    }
  }

  private static func refused(_ marker: UInt8) -> String? {
    switch marker {
    case 0xC0, 0xC1, 0xC2: return nil
    case 0xC3: return "lossless"
    case 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF: return "arithmetic-coded"
    default: return "hierarchical"
    }
  }
}
