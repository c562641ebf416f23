/// A message between this process and a decoder: numbers and blocks of bytes, their counts ahead of them.
///
/// On the socket: the count of numbers and of blocks, the numbers, the size of each block, the blocks; each number in
/// 8 bytes of this machine's order, because both ends are the same program.
struct DecoderFrame {
  var numbers: [Int] = []
  var blocks: [[UInt8]] = []

  /// What a message may bring at most, so that nobody makes this process allocate without bound.
  struct Bounds {
    var numbers: Int
    var blocks: Int
    /// Bytes of one block.
    var blockBytes: Int
  }

  /// Hands the message over in as many pieces as it has blocks, and one.
  func write<Failure>(_ send: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
    let head = [numbers.count, blocks.count] + numbers + blocks.map(\.count)
    try Self.lend(head, send)
    for block in blocks { try Self.lend(block, send) }
  }

  /// Takes a message; nil when it announces more than the bounds allow.
  static func read<Failure>(
    _ bounds: Bounds, _ receive: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) -> DecoderFrame? {
    let counts = try numbers(2, receive)
    guard (0...bounds.numbers).contains(counts[0]), (0...bounds.blocks).contains(counts[1]) else {
      return nil
    }
    let numbers = try numbers(counts[0], receive)
    let sizes = try Self.numbers(counts[1], receive)
    guard sizes.allSatisfy((0...bounds.blockBytes).contains) else { return nil }
    var blocks: [[UInt8]] = []
    for size in sizes { blocks.append(try filled(size, receive)) }
    return DecoderFrame(numbers: numbers, blocks: blocks)
  }

  private static func numbers<Failure>(
    _ count: Int, _ receive: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) -> [Int] { try filled(count, receive) }

  private static func filled<Element: BitwiseCopyable, Failure>(
    _ count: Int,
    _ receive: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) -> [Element] {
    var failure: Failure?
    // Not filled with zeros first: of 3 MB that would be a third of what the way through the socket costs.
    let values = [Element](unsafeUninitializedCapacity: count) { room, initialized in
      do throws(Failure) {
        try receive(
          UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(room)[..<(count * MemoryLayout<Element>.stride)]
          ))
        initialized = count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return values
  }

  private static func lend<Element: BitwiseCopyable, Failure>(
    _ values: [Element], _ send: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    try values.withUnsafeBufferPointer { (values) throws(Failure) in
      try send(UnsafeRawBufferPointer(values))
    }
  }
}
