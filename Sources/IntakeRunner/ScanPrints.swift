import IntakeCore
import IntakeCrypto
import Synchronization

/// The digests of a row's scans, taken from the bytes that are read for sending: no file is read for them alone.
final class ScanPrints: Sendable {
  private let digests = Mutex<[Side: [UInt8]]>([:])

  /// Larger files are not read to be compared; their rows are prepared instead, which has limits of its own.
  private static let limit = 64 << 20

  /// The digests of scans that are read for nothing else, nil when one of them cannot be read.
  static func reading(_ files: [ImageFile]) -> Personal<[UInt8]>? {
    let prints = ScanPrints()
    // What is wrong with a file is said by the stage that reads it next.
    for file in files { _ = try? prints.heard(file).read(atMost: limit) }
    return prints.value(of: files)
  }

  /// The same scan, whose digest is noted when somebody reads it.
  func heard(_ file: ImageFile) -> ImageFile {
    file.heard { [self] bytes in
      let digest = try? Digest.sha256(bytes)
      digests.withLock { $0[file.side] = digest }
    }
  }

  /// All digests by side, nil while one is missing.
  func value(of files: [ImageFile]) -> Personal<[UInt8]>? {
    let digests = digests.withLock { $0 }
    guard files.allSatisfy({ digests[$0.side] != nil }) else { return nil }
    let sides = files.map(\.side).sorted()
    return Personal(sides.flatMap { Array(";\($0.rawValue)=".utf8) + (digests[$0] ?? []) })
  }
}
