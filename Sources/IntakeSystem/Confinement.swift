import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The calling process without rights: its memory, one socket, and nothing else.
///
/// What is set up, in this order: death with the parent, no access for debuggers, no other descriptor, no files, no
/// processes, no new privileges, and a filter that ends the process at any system call beyond `calls`.
public enum Confinement {
  /// Whether this system can do that: Linux on x86-64 or arm64, with seccomp.
  public static var isAvailable: Bool { csystem_can_confine() != 0 }

  /// The names of the system calls that are left.
  public static var calls: [String] {
    String(cString: csystem_confined_calls()).split(separator: " ").map(String.init)
  }

  /// Gives everything up for good; descriptor 0 has to be the socket of `ConnectedProcess`.
  ///
  /// - Throws: `SystemCallFailure`: rights are half gone then, and the process has to end.
  public static func enter(parent: Int32) throws(SystemCallFailure) {
    guard csystem_confine(parent) == 0 else { throw SystemCallFailure("give up rights") }
  }

  /// Fills a room from the socket; false when the other end is gone.
  public static func receive(into room: UnsafeMutableRawBufferPointer) -> Bool {
    // What the last picture left there would pass for a lack of memory at the next one's fault.
    errno = 0
    var rest = room[...]
    while !rest.isEmpty {
      let count = systemRead(0, UnsafeMutableRawBufferPointer(rebasing: rest))
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Writes everything to the socket; false when the other end is gone.
  public static func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = systemWrite(0, UnsafeRawBufferPointer(rebasing: rest))
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
