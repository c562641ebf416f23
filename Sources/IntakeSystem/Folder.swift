import CSystem

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A folder that files are read from by paths that cannot leave it; opened once and shared.
public final class Folder: Sendable {
  private let descriptor: Descriptor

  /// Opens a folder that the operator named.
  public init(_ path: String) throws(FileFailure) {
    descriptor = try Descriptor.open(path)
    guard try descriptor.status().kind == .folder else { throw .notFound }
  }

  /// Reads a regular file of at most `limit` bytes; the kernel keeps path and links beneath the folder.
  public func read(_ path: String, atMost limit: Int) throws(FileFailure) -> [UInt8] {
    try open(path).wholeFile(atMost: limit)
  }

  /// Bytes of a regular file, without reading it; nil when there is none.
  public func size(of path: String) -> Int? {
    guard let status = try? open(path).status(), status.kind == .regular else { return nil }
    return status.size
  }

  /// The names in a folder beneath this one, at most `limit`, in no particular order; none when it is not readable.
  public func names(in path: String, atMost limit: Int) -> [String] {
    guard let folder = try? open(path) else { return [] }
    // The stream closes the descriptor it was given, so it gets one of its own.
    let copy = dup(folder.number)
    guard copy >= 0, let stream = fdopendir(copy) else {
      if copy >= 0 { close(copy) }
      return []
    }
    defer { closedir(stream) }
    var names: [String] = []
    while names.count < limit, let entry = readdir(stream) {
      names.append(Folder.name(of: entry))
    }
    return names
  }

  private func open(_ path: String) throws(FileFailure) -> Descriptor {
    // A C string would end at a NUL and name another file.
    guard !path.utf8.contains(0) else { throw .notFound }
    let number = csystem_open_beneath(descriptor.number, path)
    guard number >= 0 else { throw FileFailure(code: errno) }
    return Descriptor(owning: number)
  }

  private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
    withUnsafeBytes(of: entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
