import IntakeCore

/// What a decoder makes of a file: pixels, and what only decoding can tell.
struct DecodedPicture {
  var bitmap: Bitmap
  /// The colour profile, where it may be kept.
  var profile: [UInt8]?
  var oddities = Oddities()
}

/// What was odd about a file and did its picture no harm; the report says so.
struct Oddities: Equatable {
  /// Bytes of a JPEG that belong to no block and no marker.
  var strayBytes = 0
  /// Whether every pixel of a PNG was transparent, so that its colours are shown as if they were not.
  var isTransparent = false
  /// Bytes of a PNG's colour profile that was dropped; 0 for none.
  var droppedProfile = 0

  /// In the words of a report.
  func notices(budget: Int) -> [String] {
    var notices: [String] = []
    if strayBytes > 0 {
      notices.append("\(strayBytes) stray bytes between the blocks of the picture were dropped")
    }
    if isTransparent {
      notices.append("every pixel is transparent: it was shown as if none were, look at it")
    }
    if droppedProfile > 0 {
      notices.append(
        "the colour profile of \(droppedProfile) bytes was dropped, which may change the colours: it is broken, not "
          + "for this kind of picture, or more than 1/\(ICCProfile.budgetShare) of \(budget) bytes")
    }
    return notices
  }
}
