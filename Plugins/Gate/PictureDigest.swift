import IntakeCore

/// What tells whether two pictures have the very same pixels, in 8 bytes.
///
/// It is SipHash with a key of the run's own: a million pictures collide by chance once in 10^7 runs, and nobody can
/// make two that do.
struct PictureDigest: Sendable, Equatable {
  let value: Int

  init(_ luma: Plane) {
    var hasher = Hasher()
    hasher.combine(luma.width)
    luma.samples.withUnsafeBytes { hasher.combine(bytes: $0) }
    value = hasher.finalize()
  }
}
