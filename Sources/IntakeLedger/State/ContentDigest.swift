import IntakeCore
import IntakeCrypto

/// The SHA-256 of what a request says, whoever sends it and whenever.
///
/// Method, path and body count; headers do not, for they carry dates and signatures. A secret stands there by
/// its name between two NUL bytes, which no JSON text holds, so a rotated password changes nothing. How the
/// body is cut into segments makes no difference.
enum ContentDigest {
  static func make(_ submission: Submission) throws(CryptoError) -> [UInt8] {
    var stream = try SHA256Stream()
    try stream.update(Array("\(submission.method)\n\(submission.path)\n".utf8))
    for segment in submission.body {
      if case .secret(let name) = segment {
        try stream.update([0] + Array(name.utf8) + [0])
      } else {
        try stream.update(segment.bytes(with: nil))
      }
    }
    for followUp in submission.followUps {
      try stream.update(Array("\n\0\(followUp.name)\n\(followUp.inquiry.path)\n".utf8))
      for segment in followUp.request.body { try stream.update(segment.bytes(with: nil)) }
    }
    return try stream.finish()
  }
}
