#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Finds bytes in bytes, in a time that goes with their length: a body holds megabytes.
enum ByteSearch {
  /// The index of the first occurrence; nil also for an empty needle.
  static func first(_ needle: [UInt8], in haystack: ArraySlice<UInt8>) -> Int? {
    guard !needle.isEmpty else { return nil }
    return haystack.withUnsafeBytes { hay in
      needle.withUnsafeBytes { wanted in
        offset(of: wanted, in: hay).map { haystack.startIndex + $0 }
      }
    }
  }

  /// Jumps from one first byte to the next: in base64 every 64th on average.
  private static func offset(of wanted: UnsafeRawBufferPointer, in hay: UnsafeRawBufferPointer)
    -> Int?
  {
    guard let base = hay.baseAddress, let pattern = wanted.baseAddress else { return nil }
    var start = 0
    while hay.count - start >= wanted.count,
      let found = memchr(base + start, Int32(wanted[0]), hay.count - start - wanted.count + 1)
    {
      let offset = UnsafeRawPointer(found) - base
      if memcmp(found, pattern, wanted.count) == 0 { return offset }
      start = offset + 1
    }
    return nil
  }
}
