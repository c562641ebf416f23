import IntakeCore

/// Marks that replace the secrets of a body while a program has it, and lead back to their places.
///
/// A mark is plain ASCII without anything that JSON, XML or a form would escape, and nobody can guess it.
struct SecretMarks: Sendable {
  let all: [String]
  private let names: [String]
  private let images: [EncodedImage]
  /// The body with marks, in pieces: images are not copied.
  let written: [[UInt8]]
  /// The start of every mark of this item.
  private let prefix: String

  init(_ body: [BodySegment]) {
    let nonce = (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
    let prefix = "docintake-secret-\(nonce)-"
    var (names, images): ([String], [EncodedImage]) = ([], [])
    written = body.map { segment in
      switch segment {
      case .bytes(let bytes): return bytes
      case .image(let image):
        images.append(image)
        return image.base64
      case .scan(let image): return image.bytes
      case .secret(let name):
        names.append(name)
        return Array((prefix + "\(names.count)-").utf8)
      }
    }
    all = names.indices.map { prefix + "\($0 + 1)-" }
    (self.prefix, self.names, self.images) = (prefix, names, images)
  }

  /// Whether a text holds a mark, or a piece that was made from one.
  func stand(in text: String) -> Bool {
    Array(text.utf8)[...].start(of: Array(prefix.utf8)) != nil
  }

  /// A body from a program as segments: secrets in the places of their marks, images kept apart.
  ///
  /// - Throws: `StageFailure` when a mark is missing, stands twice, or belongs to another item.
  func segments(of body: [UInt8]) throws(StageFailure) -> [BodySegment] {
    var (segments, left, seen): ([BodySegment], ArraySlice<UInt8>, Set<Int>) = ([], body[...], [])
    while let start = left.start(of: Array(prefix.utf8)) {
      let digits = left[(start + prefix.utf8.count)...].prefix { $0 != UInt8(ascii: "-") }.prefix(6)
      guard let number = Int(String(decoding: digits, as: UTF8.self)),
        names.indices.contains(number - 1), seen.insert(number).inserted
      else { throw misplaced("stands twice or was changed") }
      append(left[..<start], to: &segments)
      segments.append(.secret(names[number - 1]))
      left = left[(digits.endIndex + 1)...]
    }
    guard seen.count == names.count else { throw misplaced("did not come back") }
    append(left, to: &segments)
    return segments
  }

  private func misplaced(_ what: String) -> StageFailure {
    StageFailure(
      .stageProtocol, "the mark of a secret \(what) in the program's body",
      hint: "leave each text of submission.secrets in the body exactly once")
  }

  /// Keeps images that came back unchanged as segments of their own, so that no listing of the request shows them.
  private func append(_ bytes: ArraySlice<UInt8>, to segments: inout [BodySegment]) {
    var left = bytes
    for image in images {
      guard let start = left.start(of: image.base64) else { continue }
      if start > left.startIndex { segments.append(.bytes(Array(left[..<start]))) }
      segments.append(.image(image))
      left = left[(start + image.base64.count)...]
    }
    if !left.isEmpty { segments.append(.bytes(Array(left))) }
  }
}

extension ArraySlice<UInt8> {
  /// The index of the first occurrence of some bytes; a body holds megabytes, so the time has to be linear.
  ///
  /// Jumps from one first byte to the next: in base64 every 64th on average.
  fileprivate func start(of wanted: [UInt8]) -> Int? {
    guard let first = wanted.first else { return nil }
    var left = self
    while left.count >= wanted.count, let start = left.firstIndex(of: first) {
      if left[start...].starts(with: wanted) { return start }
      left = left[(start + 1)...]
    }
    return nil
  }
}
