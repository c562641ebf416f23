#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Descriptor {
  /// The whole content of a regular file, at most `limit` bytes, read once.
  ///
  /// Size and time are compared before and after: a scan that is still being written is not half read.
  public func wholeFile(atMost limit: Int) throws(FileFailure) -> [UInt8] {
    let before = try status()
    guard before.kind == .regular else { throw .notRegular(before.kind.rawValue) }
    guard before.size <= limit else { throw .tooLarge(bytes: before.size, limit: limit) }
    let bytes = try bytes(upTo: before.size)
    guard bytes.count == before.size, try status() == before else { throw .changedWhileReading }
    return bytes
  }

  /// Up to `size` bytes, and one more where there is more.
  private func bytes(upTo size: Int) throws(FileFailure) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size + 1) { buffer, count in
      while count < size + 1 {
        let room = UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
        let got = systemRead(room)
        if got > 0 { count += got }
        if got == 0 { return }
        if got < 0, errno != EINTR {
          code = errno
          return
        }
      }
    }
    guard code == 0 else { throw FileFailure(code: code) }
    return bytes
  }
}
