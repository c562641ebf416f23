import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Remembers across crashes which row the process was working on, so that one bad row cannot end every run.
///
/// The handler of the crash itself writes the note, in the thread that crashed: a `kill -9` blames nobody, and
/// neither do crashes of a neighbour.
public enum CrashNote {
  /// Takes the names that earlier crashes left in the file, one for each crash, and removes it.
  public static func take(from path: String) -> [String] {
    guard let bytes = try? Descriptor.open(path).wholeFile(atMost: 1 << 20) else { return [] }
    unlink(path)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// From now on a crash adds a line to the file.
  public static func arm(_ path: String) { csystem_crash_arm(path) }

  /// Says what the calling thread works on; nil for nothing.
  public static func working(on name: String?) { csystem_crash_item(name) }
}
