import CZlib
public import IntakeCore

/// Unpacks gzip (RFC 1952) as it is read, with 64 KB of packed bytes in memory.
public struct GzipReader: ~Copyable {
  /// zlib's state points back at it, so it must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  private var packed: [UInt8]
  private var position = 0
  /// Whether a member has ended; another one may follow, as after `cat a.gz b.gz`.
  private var isBetweenMembers = false
  private static let pieceSize = 65_536

  /// Packed bytes that were read and not yet unpacked.
  public var waiting: Int { packed.count - position }

  /// Starts with packed bytes that were read already.
  public init(startingWith packed: [UInt8]) throws(FileFailure) {
    self.packed = packed
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard czlib_start(stream) == Z_OK else {
      throw .unreadable("there is no memory to unpack it")
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Unpacks at least one byte unless the end is reached; `source` reads packed bytes, 0 at their end.
  ///
  /// - Throws: `FileFailure.damaged` for data that is damaged or cut off, and what `source` throws.
  public mutating func read(
    into buffer: UnsafeMutableRawBufferPointer,
    from source: (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws -> Int {
    while true {
      if position == packed.count {
        try refill(from: source)
        if packed.isEmpty {
          guard isBetweenMembers else { throw FileFailure.damaged("its gzip data is cut off") }
          return 0
        }
      }
      if isBetweenMembers {
        // Padding of tapes and disks; what else follows is data that nobody can read.
        guard let next = packed[position...].firstIndex(where: { $0 != 0 }) else {
          position = packed.count
          continue
        }
        position = next
        guard packed[next] == 0x1F else {
          throw FileFailure.unreadable("its gzip data is followed by something else")
        }
        inflateReset(stream)
        isBetweenMembers = false
      }
      let count = try unpack(into: buffer)
      if count > 0 { return count }
    }
  }

  private mutating func refill(from source: (UnsafeMutableRawBufferPointer) throws -> Int) throws {
    position = 0
    packed = try [UInt8](unsafeUninitializedCapacity: GzipReader.pieceSize) { buffer, count in
      count = try source(UnsafeMutableRawBufferPointer(buffer))
    }
  }

  private mutating func unpack(into buffer: UnsafeMutableRawBufferPointer) throws(FileFailure)
    -> Int
  {
    let room = min(buffer.count, Int(UInt32.max))
    let given = packed.count - position
    let code = packed.withUnsafeMutableBufferPointer { [stream, position] packed in
      stream.pointee.next_in = packed.baseAddress?.advanced(by: position)
      stream.pointee.avail_in = UInt32(given)
      stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(room)
      return inflate(stream, Z_NO_FLUSH)
    }
    position += given - Int(stream.pointee.avail_in)
    switch code {
    case Z_STREAM_END: isBetweenMembers = true
    case Z_OK, Z_BUF_ERROR: break
    default: throw .damaged("its gzip data is damaged")
    }
    return room - Int(stream.pointee.avail_out)
  }
}

extension Checksums {
  /// CRC-32 (ISO-HDLC, the one of gzip and PNG); 0 is the checksum of nothing.
  public static func crc32(_ bytes: Span<UInt8>, after previous: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBufferPointer { bytes in
      // Without an address zlib starts anew.
      guard let start = bytes.baseAddress else { return previous }
      return UInt32(truncatingIfNeeded: crc32_z(uLong(previous), start, bytes.count))
    }
  }

  /// CRC-32 of a whole array.
  public static func crc32(_ bytes: [UInt8]) -> UInt32 { crc32(bytes.span) }
}
