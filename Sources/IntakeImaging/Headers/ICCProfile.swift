import IntakeCore

/// Colour profiles (ICC.1), kept if they are whole and fit the picture: without its profile a picture in another colour
/// space looks dark or dull.
enum ICCProfile {
  /// The most that one APP2 segment of a JPEG holds; a printer's profile of 500 KB is of no use in a scan.
  static let limit = 65_519
  /// The most that a profile may take of a picture's budget: 1 / 25 of it.
  static let budgetShare = 25

  /// Why a profile is dropped, as a notice.
  struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  /// The profile in the APP2 segments of a JPEG; nil if there is none.
  static func read(from structure: JPEGStructure, components: Int) throws(Problem) -> [UInt8]? {
    let parts = structure.payloads(0xE2, "ICC_PROFILE\0", in: structure.segments[...])
      .filter { $0.count >= 2 }
    guard let first = parts.first else { return nil }
    // Each part begins with its number and the number of parts.
    let numbers = parts.compactMap { $0[0] }.sorted()
    guard first[1].map(Int.init) == parts.count,
      numbers == (1...parts.count).map(UInt8.init(clamping:))
    else { throw Problem(description: "the colour profile was dropped: a part of it is missing") }
    let ordered = parts.sorted { $0[0] ?? 0 < $1[0] ?? 0 }
    let profile = ordered.flatMap { $0.slice(from: 2) }
    try check(profile, components: components)
    return profile
  }

  /// Refuses a profile that is broken, for another colour model than the picture as it is sent, or too large for a JPEG.
  static func check(_ profile: [UInt8], components: Int) throws(Problem) {
    let window = ByteWindow(profile)
    guard window.number(at: 0, width: 4) == profile.count, window.has("acsp", at: 36) else {
      throw Problem(description: "the colour profile was dropped: it is broken")
    }
    guard components != 4, window.has(components < 3 ? "GRAY" : "RGB ", at: 16) else {
      throw Problem(
        description:
          "\(words(name(of: profile))) was dropped: it is not for \(components < 3 ? "gray" : "RGB")"
      )
    }
    guard profile.count <= limit else {
      throw Problem(description: tooLarge(profile, budget: .max))
    }
  }

  /// Whether a profile is small enough for a picture of so many bytes.
  static func fits(_ count: Int, budget: Int) -> Bool { count <= budget / budgetShare }

  /// The notice for a profile that isn't.
  static func tooLarge(_ profile: [UInt8], budget: Int) -> String {
    dropped(name(of: profile), count: profile.count, budget: budget)
  }

  /// The notice for a profile of which only the name and the size are known.
  static func dropped(_ name: String?, count: Int, budget: Int) -> String {
    guard count > limit || !fits(count, budget: budget) else {
      return "\(words(name)) was dropped: it is broken or not for this kind of picture"
    }
    let reason =
      count > limit
      ? "a JPEG holds \(limit) in one piece"
      : "a picture of \(budget) leaves it \(budget / budgetShare)"
    return "\(words(name)) of \(count) bytes was dropped, which changes the colours: \(reason)"
  }

  /// `the colour profile "Display P3"`.
  private static func words(_ name: String?) -> String {
    name.map { "the colour profile \"\($0)\"" } ?? "the colour profile"
  }

  /// The profile's description as far as it is ASCII; version 2 has plain text, version 4 UTF-16.
  static func name(of profile: [UInt8]) -> String? {
    let window = ByteWindow(profile)
    let tags = min(window.number(at: 128, width: 4) ?? 0, 100)
    for tag in 0..<tags where window.has("desc", at: 132 + 12 * tag) {
      guard let offset = window.number(at: 136 + 12 * tag, width: 4) else { return nil }
      let bytes: [UInt8]
      if window.has("desc", at: offset) {
        let count = window.number(at: offset + 8, width: 4) ?? 0
        bytes = window.slice(from: offset + 12, limit: min(count, 80))
      } else if window.has("mluc", at: offset), let start = window.number(at: offset + 24, width: 4)
      {
        let count = window.number(at: offset + 20, width: 4) ?? 0
        bytes = window.slice(from: offset + start, limit: min(count, 160)).filter { $0 != 0 }
      } else {
        return nil
      }
      let name = Sanitizer.clean(
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self), limit: 60)
      return name.isEmpty ? nil : name
    }
    return nil
  }
}
